// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Identity

extension Rumour {
    /// How many bytes it takes in a datagram, exactly.
    public var encodedSize: Int { itemSize(size) }

    var kind: ItemKind {
        switch self {
        case .alive: .alive
        case .dead: .dead
        case .left: .left
        case .key: .key
        case .region: .region
        case .steering: .steering
        case .stream: .stream
        case .suspect: .suspect
        }
    }
}

extension Rumour: WireWritable {
    func write(to sink: inout some WireSink) {
        switch self {
        case .alive(let description, let incarnation):
            sink.write(integer: incarnation)
            sink.write(sized: description, limit: WireLimit.description)
        case .dead(let node, let incarnation, let accuser), .suspect(let node, let incarnation, let accuser):
            sink.write(text: node.description, limit: NodeID.maximumLength)
            sink.write(integer: incarnation)
            sink.write(text: accuser.description, limit: NodeID.maximumLength)
        case .left(let node, let incarnation):
            sink.write(text: node.description, limit: NodeID.maximumLength)
            sink.write(integer: incarnation)
        case .key(let order): order.write(to: &sink)
        case .region(let summary): summary.write(to: &sink)
        case .steering(let order): order.write(to: &sink)
        case .stream(let entry): entry.write(to: &sink)
        }
    }
}

extension WireReader {
    /// The rumour of this kind; nil where the kind is a message's.
    mutating func rumour(_ kind: ItemKind) throws(GossipFailure) -> Rumour? {
        switch kind {
        case .alive:
            let incarnation = try uint64()
            return .alive(try sizedDescription(), incarnation: incarnation)
        case .dead: return .dead(try node(), incarnation: try uint64(), accuser: try node())
        case .left: return .left(try node(), incarnation: try uint64())
        case .key: return .key(try keyOrder())
        case .region: return .region(try regionSummary())
        case .steering: return .steering(try steeringOrder())
        case .stream: return .stream(try streamEntry())
        case .suspect: return .suspect(try node(), incarnation: try uint64(), accuser: try node())
        default: return nil
        }
    }
}
