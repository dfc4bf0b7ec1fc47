// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Identity

/// Writes stream messages as bytes, to be sealed.
///
/// A message stands behind its length, four bytes: a version, a kind, and the kind's fields. In a state each list stands
/// behind its count, four bytes, and each entry behind its length. A receiver skips messages of kinds it does not know
/// and whatever stands behind the fields it knows.
public struct GossipStreamEncoder: Sendable {
    /// The version written.
    public static let version: UInt8 = 1

    /// An encoder.
    public init() {}

    /// Appends one message. A state over 20 MiB or over the limits of its lists is a mistake of ours.
    public func append(_ message: GossipStreamMessage, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(contentsOf: [0, 0, 0, 0, Self.version, message.kind.rawValue])
        message.write(to: &bytes)
        let length = bytes.count - start - 4
        precondition(length <= WireLimit.streamMessage, "a stream message of \(length) bytes")
        bytes.put(bigEndian: UInt32(length), at: start)
    }
}

extension GossipStreamMessage {
    /// How many bytes it takes before it is sealed, exactly.
    public var encodedSize: Int { 4 + 1 + 1 + size }
}

/// The second byte of a stream message.
enum StreamMessageKind: UInt8 {
    case ack = 1
    case digest = 2
    case refusal = 3
    case state = 4
    case ping = 5
}

extension GossipStreamMessage {
    fileprivate var kind: StreamMessageKind {
        switch self {
        case .ack: .ack
        case .digest: .digest
        case .refusal: .refusal
        case .state: .state
        case .ping: .ping
        }
    }
}

extension GossipStreamMessage: WireWritable {
    func write(to sink: inout some WireSink) {
        switch self {
        case .ack(let sequence): sink.write(integer: sequence)
        case .digest(let members, let directory, let isJoin):
            sink.write(integer: members)
            sink.write(integer: directory)
            sink.write(flag: isJoin)
        case .refusal(let text): sink.write(text: text, limit: WireLimit.refusal)
        case .state(let members, let streams, let regions, let keys, let steering, let isAnswer):
            sink.write(flag: isAnswer)
            sink.write(table: members, limit: WireLimit.members)
            sink.write(table: streams, limit: WireLimit.streams)
            sink.write(table: regions, limit: WireLimit.regions)
            sink.write(table: keys, limit: WireLimit.keys)
            // Older nodes know nothing of it, and so no word of it is what it says where there is none.
            if !steering.isEmpty { sink.write(table: steering, limit: WireLimit.steering) }
        case .ping(let sequence, let target):
            sink.write(integer: sequence)
            sink.write(text: target.description, limit: NodeID.maximumLength)
        }
    }
}

extension WireSink {
    fileprivate mutating func write(table: [some WireWritable], limit: Int) {
        precondition(table.count <= limit, "a table of \(table.count) entries, over \(limit)")
        write(integer: UInt32(truncatingIfNeeded: table.count))
        for entry in table { write(sized: entry, limit: WireLimit.entry) }
    }
}
