// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Identity

extension RegionSummary: WireWritable {
    func write(to sink: inout some WireSink) {
        precondition(max(routers.count, doors.count) <= WireLimit.places, "a summary of too many places: \(self)")
        sink.write(text: region.description, limit: WireLimit.text)
        sink.write(text: speaker.description, limit: NodeID.maximumLength)
        sink.write(integer: time)
        sink.write(length: routers.count)
        for router in routers { sink.write(text: router, limit: WireLimit.text) }
        sink.write(length: doors.count)
        for door in doors { door.write(to: &sink) }
        sink.write(integer: capacity)
        sink.write(integer: load)
        // Older nodes say nothing of it, and pass over it.
        if let packaging {
            sink.write(packaging.lowerBound)
            sink.write(packaging.upperBound)
        }
    }
}

extension RegionSummary {
    /// The summary with as many of its routers and doors, the first ones, as an encoding of 1000 bytes with 8 of each has
    /// room for. Whoever makes a summary tells this one.
    public var fitted: RegionSummary {
        var routers = Array(routers.filter { $0.utf8.count <= WireLimit.text }.prefix(WireLimit.places))
        var doors = Array(doors.prefix(WireLimit.places))
        while true {
            let summary = RegionSummary(
                region: region, speaker: speaker, time: time, routers: routers, doors: doors, capacity: capacity,
                load: load, packaging: packaging)
            if summary.size <= WireLimit.entry { return summary }
            if routers.count >= doors.count { routers.removeLast() } else { doors.removeLast() }
        }
    }
}

extension RelayDoor: WireWritable {
    func write(to sink: inout some WireSink) {
        sink.write(text: node.description, limit: NodeID.maximumLength)
        relay.write(to: &sink)
        sink.write(integer: capacity)
    }
}

extension WireReader {
    mutating func regionSummary() throws(GossipFailure) -> RegionSummary {
        RegionSummary(
            region: try region(), speaker: try node(), time: try uint64(),
            routers: try list(limit: WireLimit.places) { reader throws(GossipFailure) in try reader.visible() },
            doors: try list(limit: WireLimit.places) { reader throws(GossipFailure) in try reader.door() },
            capacity: try uint32(), load: try uint16(),
            packaging: try isEmpty ? nil : packaging())
    }

    private mutating func door() throws(GossipFailure) -> RelayDoor {
        RelayDoor(node: try node(), relay: try endpoint(), capacity: try uint32())
    }
}
