// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

extension NodeDescription: WireWritable {
    func write(to sink: inout some WireSink) {
        sink.write(text: id.description, limit: NodeID.maximumLength)
        sink.write(roles.rawValue)
        sink.write(text: region.description, limit: WireLimit.text)
        sink.write(text: zone.description, limit: WireLimit.text)
        gossip.write(to: &sink)
        sink.write(optional: relay) { $1.write(to: &$0) }
        sink.write(text: viewerURL, limit: WireLimit.text)
        sink.write(text: publisherURL, limit: WireLimit.text)
        sink.write(integer: capacity)
        sink.write(packaging.lowerBound)
        sink.write(packaging.upperBound)
        sink.write(flag: isDraining)
    }
}

extension WireReader {
    mutating func sizedDescription() throws(GossipFailure) -> NodeDescription {
        try sized(limit: WireLimit.description) { reader throws(GossipFailure) in try reader.description() }
    }

    private mutating func description() throws(GossipFailure) -> NodeDescription {
        NodeDescription(
            id: try node(), roles: NodeRoles(rawValue: try byte()), region: try region(), zone: try zone(),
            gossip: try endpoint(),
            relay: try optional { reader throws(GossipFailure) in try reader.endpoint() },
            viewerURL: try visible(), publisherURL: try visible(), capacity: try uint32(), packaging: try packaging(),
            isDraining: try flag())
    }

    /// The lowest and the highest version of the byte writer.
    mutating func packaging() throws(GossipFailure) -> ClosedRange<UInt8> {
        let lowest = try byte()
        let highest = try byte()
        guard lowest <= highest else { throw .malformed }
        return lowest...highest
    }
}

/// A health, an incarnation, and a description behind its length.
extension Member: WireWritable {
    func write(to sink: inout some WireSink) {
        sink.write(health.rawValue)
        sink.write(integer: incarnation)
        sink.write(sized: description, limit: WireLimit.description)
    }
}

extension WireReader {
    mutating func member() throws(GossipFailure) -> Member {
        guard let health = MemberHealth(rawValue: try byte()) else { throw .malformed }
        let incarnation = try uint64()
        return Member(description: try sizedDescription(), incarnation: incarnation, health: health)
    }
}
