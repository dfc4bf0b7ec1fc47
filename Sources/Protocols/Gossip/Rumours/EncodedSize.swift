// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

extension Rumour {
    /// At most how many bytes it takes in a datagram.
    public var encodedSize: Int {
        switch self {
        case .alive(let description, _):
            100 + description.id.description.utf8.count + description.region.description.utf8.count
                + description.zone.description.utf8.count + description.viewerURL.utf8.count
                + description.publisherURL.utf8.count
        case .dead(let id, _, let accuser), .suspect(let id, _, let accuser):
            16 + id.description.utf8.count + accuser.description.utf8.count
        case .left(let id, _): 16 + id.description.utf8.count
        case .key(let order): 24 + order.secret.count
        case .region(let summary):
            80 + summary.routers.reduce(0) { $0 + 2 + $1.utf8.count }
                + summary.doors.reduce(0) { $0 + 32 + $1.node.description.utf8.count }
        case .stream(let entry):
            60 + entry.stream.app.utf8.count + entry.stream.name.utf8.count + entry.gateway.description.utf8.count
                + (entry.standby?.description.utf8.count ?? 0) + entry.region.description.utf8.count
        }
    }
}

extension GossipMessage {
    /// At most how many bytes it takes in a datagram.
    public var encodedSize: Int {
        switch self {
        case .ack, .nack: 8
        case .load(let report): 64 + report.node.description.utf8.count + 16 * report.streams.count
        case .ping(_, let target): 8 + target.description.utf8.count
        case .pingRequest(_, let target, _): 28 + target.description.utf8.count
        }
    }
}
