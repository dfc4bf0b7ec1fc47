// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// What stands before the bytes of VP9 in a payload, RFC 9628 §4.2. What it tells of layers' sizes and references is
/// read past: layers are passed through together.
public struct VP9Descriptor: Hashable, Sendable {
    /// Whether the picture refers to an earlier one.
    public var isPredicted = false
    /// Whether the payload begins a layer's frame.
    public var beginsFrame = true
    /// Whether it ends one.
    public var endsFrame = true
    /// The number of the picture in 15 bits, or in 7; nil where none is sent.
    public var pictureID: UInt16?
    /// The spatial layer, 0 to 7; 0 where none is told.
    public var spatialLayer: UInt8 = 0

    /// A picture in one payload, of which nothing else is told.
    public init() {}

    /// Reads the descriptor and leaves `payload` at the bytes of VP9, of which there must be some.
    public init(parsing payload: inout ByteSlice) throws(RTPFailure) {
        var reader = ByteReader(payload)
        do throws(Truncated) {
            try self.init(&reader)
        } catch { throw .payload(.vp9) }
        guard !reader.isEmpty else { throw .payload(.vp9) }
        payload = reader.rest
    }

    private init(_ reader: inout ByteReader) throws(Truncated) {
        let first = try reader.uint8()
        let isFlexible = first & 0x10 != 0
        isPredicted = first & 0x40 != 0
        beginsFrame = first & 0x08 != 0
        endsFrame = first & 0x04 != 0
        if first & 0x80 != 0 {
            let high = try reader.uint8()
            pictureID = high & 0x80 == 0 ? UInt16(high) : UInt16(high & 0x7F) << 8 | UInt16(try reader.uint8())
        }
        if first & 0x20 != 0 {
            spatialLayer = try reader.uint8() >> 1 & 7
            if !isFlexible { _ = try reader.uint8() }
        }
        // Up to three references; the last bit of each tells whether there is another.
        if isFlexible, isPredicted {
            for _ in 0..<3 {
                guard try reader.uint8() & 1 == 1 else { break }
            }
        }
        if first & 0x02 != 0 { try Self.skipStructure(&reader) }
    }

    /// §4.2.1: sizes of the layers, then how pictures of a group refer to each other.
    private static func skipStructure(_ reader: inout ByteReader) throws(Truncated) {
        let head = try reader.uint8()
        if head & 0x10 != 0 { _ = try reader.bytes((Int(head >> 5) + 1) * 4) }
        guard head & 0x08 != 0 else { return }
        for _ in 0..<(try reader.uint8()) { _ = try reader.bytes(Int(try reader.uint8() >> 2 & 3)) }
    }

    /// Appends the descriptor, with the picture's number in 15 bits where there is one, without layers.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(
            (pictureID == nil ? 0 : 0x80) | (isPredicted ? 0x40 : 0) | (beginsFrame ? 8 : 0) | (endsFrame ? 4 : 0))
        if let pictureID { bytes.append(bigEndian: pictureID | 0x8000) }
    }

    /// Whether the payload is the beginning of a picture, with all its layers.
    public var beginsPicture: Bool { beginsFrame && spatialLayer == 0 }
}
