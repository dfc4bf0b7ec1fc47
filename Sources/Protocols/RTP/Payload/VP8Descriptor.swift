// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// What stands before the bytes of VP8 in a payload, RFC 7741 §4.2.
public struct VP8Descriptor: Hashable, Sendable {
    /// Whether no other picture refers to this one.
    public var isDisposable = false
    /// Whether the payload begins a partition.
    public var beginsPartition = true
    /// The partition, 0 to 15.
    public var partition: UInt8 = 0
    /// The number of the picture; nil where none is sent.
    public var pictureID: PictureID?
    /// The number of the picture of the base layer that this one stands on.
    public var baseIndex: UInt8?
    /// The temporal layer, the sync flag and the key index, as on the wire; nil where none is sent.
    public var layer: UInt8?

    /// A picture's number in 7 or in 15 bits.
    public enum PictureID: Hashable, Sendable {
        case long(UInt16)
        case short(UInt8)
    }

    /// The first payload of a picture of which nothing else is told.
    public init() {}

    /// Reads the descriptor and leaves `payload` at the bytes of VP8, of which there must be some.
    public init(parsing payload: inout ByteSlice) throws(RTPFailure) {
        var reader = ByteReader(payload)
        do throws(Truncated) {
            let first = try reader.uint8()
            isDisposable = first & 0x20 != 0
            beginsPartition = first & 0x10 != 0
            partition = first & 15
            if first & 0x80 != 0 { try readExtension(&reader) }
        } catch { throw .payload(.vp8) }
        guard !reader.isEmpty else { throw .payload(.vp8) }
        payload = reader.rest
    }

    private mutating func readExtension(_ reader: inout ByteReader) throws(Truncated) {
        let present = try reader.uint8()
        if present & 0x80 != 0 {
            let first = try reader.uint8()
            if first & 0x80 == 0 {
                pictureID = .short(first)
            } else {
                pictureID = .long(UInt16(first & 0x7F) << 8 | UInt16(try reader.uint8()))
            }
        }
        if present & 0x40 != 0 { baseIndex = try reader.uint8() }
        if present & 0x30 != 0 { layer = try reader.uint8() }
    }

    /// Appends the descriptor. `layer` is written with its temporal id and its key index.
    public func append(to bytes: inout [UInt8]) {
        let isExtended = pictureID != nil || baseIndex != nil || layer != nil
        bytes.append(
            (isExtended ? 0x80 : 0) | (isDisposable ? 0x20 : 0) | (beginsPartition ? 0x10 : 0) | partition & 15)
        guard isExtended else { return }
        bytes.append((pictureID == nil ? 0 : 0x80) | (baseIndex == nil ? 0 : 0x40) | (layer == nil ? 0 : 0x30))
        switch pictureID {
        case .long(let number): bytes.append(bigEndian: number | 0x8000)
        case .short(let number): bytes.append(number & 0x7F)
        case nil: break
        }
        if let baseIndex { bytes.append(baseIndex) }
        if let layer { bytes.append(layer) }
    }

    /// Whether the payload is the beginning of a picture.
    public var beginsPicture: Bool { beginsPartition && partition == 0 }
}
