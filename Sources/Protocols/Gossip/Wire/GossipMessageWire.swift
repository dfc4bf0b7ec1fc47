// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity

/// The first byte of an item in a datagram. Below 64 it is a message, from 64 on a rumour; numbers are never used anew.
enum ItemKind: UInt8 {
    case ack = 1
    case load = 2
    case nack = 3
    case ping = 4
    case pingRequest = 5
    case storeAnswered = 6
    case alive = 64
    case dead = 65
    case left = 66
    case key = 67
    case region = 68
    case stream = 69
    case suspect = 70
    case steering = 71
}

extension GossipMessage {
    /// How many bytes it takes in a datagram, exactly.
    public var encodedSize: Int { itemSize(size) }

    var kind: ItemKind {
        switch self {
        case .ack: .ack
        case .load: .load
        case .nack: .nack
        case .ping: .ping
        case .pingRequest: .pingRequest
        case .storeAnswered: .storeAnswered
        }
    }
}

extension GossipMessage: WireWritable {
    func write(to sink: inout some WireSink) {
        switch self {
        case .ack(let sequence, let localHealth):
            precondition(localHealth <= WireLimit.localHealth, "a local health of \(localHealth)")
            sink.write(integer: sequence)
            sink.write(localHealth)
        case .load(let report): report.write(to: &sink)
        case .nack(let sequence): sink.write(integer: sequence)
        case .ping(let sequence, let target):
            sink.write(integer: sequence)
            sink.write(text: target.description, limit: NodeID.maximumLength)
        case .pingRequest(let sequence, let target, let endpoint):
            sink.write(integer: sequence)
            sink.write(text: target.description, limit: NodeID.maximumLength)
            endpoint.write(to: &sink)
        case .storeAnswered: break
        }
    }
}

extension WireReader {
    /// The message of this kind; nil where the kind is a rumour's.
    mutating func message(_ kind: ItemKind) throws(GossipFailure) -> GossipMessage? {
        switch kind {
        case .ack:
            let sequence = try uint32()
            let health = try byte()
            guard health <= WireLimit.localHealth else { throw .malformed }
            return .ack(sequence: sequence, localHealth: health)
        case .load: return .load(try loadReport())
        case .nack: return .nack(sequence: try uint32())
        case .ping: return .ping(sequence: try uint32(), target: try node())
        case .pingRequest: return .pingRequest(sequence: try uint32(), target: try node(), at: try endpoint())
        case .storeAnswered: return .storeAnswered
        default: return nil
        }
    }
}

/// An item whose body takes `body` bytes: a kind, a length, the body.
func itemSize(_ body: Int) -> Int {
    var counter = ByteCounter()
    counter.write(length: body)
    return 1 + counter.count + body
}
