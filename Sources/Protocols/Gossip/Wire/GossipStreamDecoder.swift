// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Identity

/// Reads what ``GossipStreamEncoder`` writes, out of pieces of any size.
///
/// It holds the bytes of at most one message that is not whole and the last piece; a length over 20 MiB is refused when
/// it is read. After a failure every further call fails the same: the connection is to be closed.
public struct GossipStreamDecoder: Sendable {
    /// Messages of unknown kinds so far.
    public private(set) var skippedMessages = 0
    private var bytes: [UInt8] = []
    private var start = 0

    /// A decoder at the beginning of a stream.
    public init() {}

    /// Whether the stream may end here: no message is begun and not whole.
    public var isBetweenMessages: Bool { start == bytes.count }

    /// Takes the next bytes of the stream. Read all messages before the next ones are handed in.
    public mutating func append(_ piece: some Collection<UInt8>) {
        bytes.removeSubrange(..<start)
        start = 0
        bytes.append(contentsOf: piece)
    }

    /// The next message; nil until more bytes come.
    public mutating func next() throws(GossipFailure) -> GossipStreamMessage? {
        while let frame = try frame() {
            let message = try message(in: frame)
            start = frame.endIndex
            if let message { return message }
            skippedMessages &+= 1
        }
        return nil
    }

    private func frame() throws(GossipFailure) -> ByteSlice? {
        var head = ByteReader(bytes[start...])
        guard let length = try? head.uint32() else { return nil }
        guard length <= WireLimit.streamMessage else { throw .tooLong(Int(length)) }
        return try? head.bytes(Int(length))
    }

    /// The message of a frame; nil where its kind is unknown.
    private func message(in frame: ByteSlice) throws(GossipFailure) -> GossipStreamMessage? {
        var reader = WireReader(frame)
        let version = try reader.byte()
        guard version == GossipStreamEncoder.version else { throw .unknownVersion(version) }
        guard let kind = StreamMessageKind(rawValue: try reader.byte()) else { return nil }
        return try reader.streamMessage(kind)
    }
}

extension WireReader {
    fileprivate mutating func streamMessage(_ kind: StreamMessageKind) throws(GossipFailure) -> GossipStreamMessage {
        switch kind {
        case .ack: return .ack(sequence: try uint32())
        case .digest: return .digest(members: try uint64(), directory: try uint64(), isJoin: try flag())
        case .refusal: return .refusal(try refusal())
        case .state: return try state()
        case .ping: return .ping(sequence: try uint32(), target: try node())
        }
    }

    private mutating func state() throws(GossipFailure) -> GossipStreamMessage {
        let isAnswer = try flag()
        return .state(
            members: try table(limit: WireLimit.members) { reader throws(GossipFailure) in try reader.member() },
            streams: try table(limit: WireLimit.streams) { reader throws(GossipFailure) in try reader.streamEntry() },
            regions: try table(limit: WireLimit.regions) { reader throws(GossipFailure) in try reader.regionSummary() },
            keys: try table(limit: WireLimit.keys) { reader throws(GossipFailure) in try reader.keyOrder() },
            steering: try steeringOrders(), isAnswer: isAnswer)
    }

    /// Absent where the sender is older, or has none.
    private mutating func steeringOrders() throws(GossipFailure) -> [SteeringOrder] {
        guard !isEmpty else { return [] }
        return try table(limit: WireLimit.steering) { reader throws(GossipFailure) in try reader.steeringOrder() }
    }

    /// Entries behind their lengths. Nothing is reserved by the count: memory grows with entries that were read.
    private mutating func table<Value>(
        limit: Int, _ read: (inout WireReader) throws(GossipFailure) -> Value
    ) throws(GossipFailure) -> [Value] {
        let count = try uint32()
        guard count <= limit else { throw .malformed }
        var values: [Value] = []
        for _ in 0..<count {
            values.append(try sized(limit: WireLimit.entry, read))
        }
        return values
    }

    /// A text without control characters, as it goes to a log.
    private mutating func refusal() throws(GossipFailure) -> String {
        let text = try text(limit: WireLimit.refusal)
        guard text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else { throw .malformed }
        return text
    }
}
