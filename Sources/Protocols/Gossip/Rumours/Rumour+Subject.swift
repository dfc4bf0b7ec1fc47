// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

extension Rumour {
    /// What a rumour is about: newer news replace older ones about the same.
    enum Subject: Hashable, Sendable {
        case key(UInt32)
        case member(NodeID)
        case region(Region)
        case steering(StreamID?)
        case stream(StreamID)
    }

    var subject: Subject {
        switch self {
        case .alive(let description, _): .member(description.id)
        case .dead(let id, _, _), .left(let id, _), .suspect(let id, _, _): .member(id)
        case .key(let order): .key(order.key)
        case .region(let summary): .region(summary.region)
        case .steering(let order): .steering(order.stream)
        case .stream(let entry): .stream(entry.stream)
        }
    }

    /// Which news go first: 0 members and orders, 1 streams, 2 regions.
    var lane: Int {
        switch self {
        case .alive, .dead, .key, .left, .steering, .suspect: 0
        case .stream: 1
        case .region: 2
        }
    }

    /// No rumour is smaller, in bytes.
    static let smallest = 8
}
