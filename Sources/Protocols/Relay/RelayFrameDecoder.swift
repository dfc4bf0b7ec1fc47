// SPDX-License-Identifier: Apache-2.0

public import Bytes
import Feed

/// Cuts what arrives into frames. What a frame claims to be long is never reserved, only what has come is held.
public struct RelayFrameDecoder: Sendable {
    private var rest: ByteSlice = []

    /// A decoder that holds nothing yet.
    public init() {}

    /// How many bytes wait for the rest of their frame.
    public var held: Int { rest.count }

    /// Takes in what arrived. Take out all frames before the next call.
    public mutating func receive(_ bytes: ByteSlice) {
        if rest.isEmpty { rest = bytes } else { rest.append(contentsOf: bytes) }
    }

    /// The next frame, once it is whole. Payloads share the storage of the bytes received.
    /// - Parameter longest: how long a frame may be, whatever its kind.
    public mutating func next(longest: ByteCount) throws(RelayFailure) -> RelayFrame? {
        var reader = ByteReader(rest)
        guard reader.count >= 5, let length = try? reader.uint32(), let kind = reader.rest.first else { return nil }
        guard let known = RelayKind(rawValue: kind) else { throw .unknownKind(kind) }
        let claimed = Int(length)
        guard claimed >= 2, claimed <= min(known.limit(records: longest.bytes), longest.bytes) else {
            throw .frameLength(claimed)
        }
        guard let content = try? reader.bytes(claimed) else { return nil }
        rest = reader.rest
        return try RelayFrameReader(content.dropFirst()).frame(known)
    }
}
