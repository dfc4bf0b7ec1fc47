// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The messages inside an aggregate, RTMP 1.0 §7.1.6: FLV tags, each with its size behind it.
///
/// A tag's time counts from the first tag, which is at the aggregate's own. The last size may be missing. An aggregate
/// within an aggregate, and anything else that is not media, is passed over.
struct AggregateDecoder {
    private var reader: ByteReader
    private let timestamp: UInt32
    private var first: UInt32?

    init(_ message: Message) {
        reader = ByteReader(message.body)
        timestamp = message.timestamp
    }

    /// The next media message; nil at the end.
    mutating func next() throws(RTMPFailure) -> MediaMessage? {
        while !reader.isEmpty {
            do throws(Truncated) {
                let type = try reader.uint8()
                let length = try reader.uint24()
                let low = try reader.uint24()
                let time = low | UInt32(try reader.uint8()) << 24
                _ = try reader.uint24()
                let body = try reader.bytes(Int(length))
                _ = try? reader.uint32()
                let start = first ?? time
                first = start
                guard let kind = MediaKind(rawValue: type) else { continue }
                return MediaMessage(kind: kind, timestamp: timestamp &+ (time &- start), body: body)
            } catch {
                throw .malformedMessage(.aggregate)
            }
        }
        return nil
    }
}
