// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

extension SteeringOrder: WireWritable {
    func write(to sink: inout some WireSink) {
        precondition(shares.isOneAudience, "an order of more than one audience: \(self)")
        sink.write(integer: time)
        sink.write(integer: expires)
        sink.write(optional: stream) { $0.write(text: $1.description, limit: StreamID.maximumLength) }
        sink.write(length: shares.count)
        for share in shares {
            sink.write(text: share.pathway, limit: PathwayShare.longestName)
            sink.write(share.percent)
        }
    }
}

extension WireReader {
    mutating func steeringOrder() throws(GossipFailure) -> SteeringOrder {
        let time = try uint64()
        let expires = try uint64()
        let stream = try optional { reader throws(GossipFailure) in try reader.stream() }
        let shares = try list(limit: SteeringOrder.mostShares) { reader throws(GossipFailure) in
            try reader.pathwayShare()
        }
        guard shares.isOneAudience else { throw .malformed }
        return SteeringOrder(stream: stream, time: time, expires: expires, shares: shares)
    }

    private mutating func pathwayShare() throws(GossipFailure) -> PathwayShare {
        let name = try text(limit: PathwayShare.longestName)
        guard let share = PathwayShare(pathway: name, percent: try byte()) else { throw .malformed }
        return share
    }
}
