// SPDX-License-Identifier: Apache-2.0

public import Bytes
import Feed

/// Cuts what arrives into frames. What a frame claims to be long is never reserved, only what has come is held.
public struct RelayFrameDecoder: Sendable {
    /// How many frames were passed over, as their kind is unknown here.
    public private(set) var skippedFrames = 0
    /// The kind of the last of them.
    public private(set) var unknownKind: UInt8?

    private var rest: ByteSlice = []

    /// A decoder that holds nothing yet.
    public init() {}

    /// How many bytes wait for the rest of their frame.
    public var held: Int { rest.count }

    /// Takes in what arrived. Take out all frames before the next call.
    public mutating func receive(_ bytes: ByteSlice) {
        if rest.isEmpty { rest = bytes } else { rest.append(contentsOf: bytes) }
    }

    /// The next frame of a kind known here, once it is whole. Payloads share the storage of the bytes received.
    /// - Parameters:
    ///   - longest: how long a frame may be, whatever its kind.
    ///   - passingOver: whether frames of unknown kinds, which a newer node sends, are passed over; else they are refused.
    public mutating func next(longest: ByteCount, passingOver: Bool = true) throws(RelayFailure) -> RelayFrame? {
        while true {
            var reader = ByteReader(rest)
            guard reader.count >= 5, let length = try? reader.uint32(), let kind = reader.rest.first else { return nil }
            let known = RelayKind(rawValue: kind)
            guard known != nil || passingOver else { throw .unknownKind(kind) }
            let claimed = Int(length)
            let limit = known?.limit(records: longest.bytes) ?? longest.bytes
            guard claimed >= 2, claimed <= min(limit, longest.bytes) else { throw .frameLength(claimed) }
            guard let content = try? reader.bytes(claimed) else { return nil }
            rest = reader.rest
            if let known { return try RelayFrameReader(content.dropFirst()).frame(known) }
            skippedFrames &+= 1
            unknownKind = kind
        }
    }
}
