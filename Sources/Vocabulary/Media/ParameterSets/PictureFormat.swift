// SPDX-License-Identifier: Apache-2.0

import Bytes

/// What a video sequence says of its pictures: their size, and how samples become light.
public struct PictureFormat: Hashable, Sendable {
    /// Width in pixels after cropping, 1 to 65 535. The sample aspect ratio is not applied: it stands beside.
    public var width: UInt32
    /// Height in pixels after cropping, of a whole frame also where fields are coded, 1 to 65 535.
    public var height: UInt32
    /// `chroma_format_idc`: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    public var chromaFormat: UInt8 = 1
    /// Bits of a luma sample.
    public var lumaDepth: UInt8 = 8
    /// Bits of a chroma sample.
    public var chromaDepth: UInt8 = 8
    /// Frames a second as the timing information claims, 1 to 480; nil where it says nothing or nothing sane.
    public var frameRate: Double?
    /// Width to height of one sample; nil where the sequence does not say.
    public var sampleAspectRatio: AspectRatio?
    /// Colour primaries and their kin; nil where the sequence does not say.
    public var colour: Colour?

    /// The width and the height of one sample, both above 0.
    public struct AspectRatio: Hashable, Sendable {
        /// Horizontal spacing.
        public let width: UInt32
        /// Vertical spacing.
        public let height: UInt32
    }

    /// Code points of ITU-T H.273.
    public struct Colour: Hashable, Sendable {
        /// `ColourPrimaries`.
        public let primaries: UInt8
        /// `TransferCharacteristics`.
        public let transfer: UInt8
        /// `MatrixCoefficients`.
        public let matrix: UInt8
        /// Whether samples use the full range.
        public let isFullRange: Bool
    }

    /// A format of a size that fits the 16-bit fields of ISO-BMFF sample entries.
    init(width: Int, height: Int) throws(MediaFailure) {
        guard (1...65_535).contains(width), (1...65_535).contains(height) else { throw .malformed("picture size") }
        self.width = UInt32(width)
        self.height = UInt32(height)
    }

    /// `numerator / denominator` where it is a frame rate that somebody could have meant.
    static func saneRate(_ numerator: UInt32, _ denominator: UInt64) -> Double? {
        guard denominator > 0 else { return nil }
        let rate = Double(numerator) / Double(denominator)
        return (1...480).contains(rate) ? rate : nil
    }
}

extension PictureFormat {
    /// The first part of `vui_parameters()`, the same in ITU-T H.264 §E.1.1 and H.265 §E.2.1.
    mutating func readDisplay(_ reader: inout SyntaxReader) throws(MediaFailure) {
        if try reader.flag() { sampleAspectRatio = try Self.aspectRatio(&reader) }
        if try reader.flag() { try reader.skip(1) }  // overscan
        if try reader.flag() {
            try reader.skip(3)
            let isFullRange = try reader.flag()
            if try reader.flag() {
                colour = Colour(
                    primaries: try reader.byte(), transfer: try reader.byte(), matrix: try reader.byte(),
                    isFullRange: isFullRange)
            }
        }
        if try reader.flag() { try reader.skipUnsigned(2) }  // chroma sample location
    }

    private static func aspectRatio(_ reader: inout SyntaxReader) throws(MediaFailure) -> AspectRatio? {
        let code = Int(try reader.bits(8))
        if code == extendedAspectRatio {
            let (width, height) = (try reader.bits(16), try reader.bits(16))
            return width > 0 && height > 0 ? AspectRatio(width: width, height: height) : nil
        }
        return aspectRatios[code].map { AspectRatio(width: $0.0, height: $0.1) }
    }

    private static let extendedAspectRatio = 255

    /// Table E-1 of ITU-T H.264 by `aspect_ratio_idc`, from 1.
    private static let aspectRatios: [Int: (UInt32, UInt32)] = [
        1: (1, 1), 2: (12, 11), 3: (10, 11), 4: (16, 11), 5: (40, 33), 6: (24, 11), 7: (20, 11), 8: (32, 11),
        9: (80, 33), 10: (18, 11), 11: (15, 11), 12: (64, 33), 13: (160, 99), 14: (4, 3), 15: (3, 2), 16: (2, 1),
    ]
}

extension VideoParameters {
    /// What the first sequence header in the record says of its pictures; nil where the record can not be read.
    public var pictureFormat: PictureFormat? {
        switch codec {
        case .h264: (try? AVCSequenceParameters(sizedUnit(at: 6)))?.format
        case .hevc: hevcSequence.flatMap { try? HEVCSequenceParameters($0).format }
        case .av1: (try? AV1SequenceHeader(record.dropFirst(6)))?.format
        case .aac, .opus, .vp8, .vp9: nil
        }
    }

    /// A unit behind its length in 16 bits, as records that the parsing initialisers wrote have it.
    private func sizedUnit(at offset: Int) -> ByteSlice {
        var reader = ByteReader(record.dropFirst(offset))
        return (try? reader.bytes(Int(reader.uint16()))) ?? []
    }

    /// The first unit of the second array, behind those of the first.
    private var hevcSequence: ByteSlice? {
        var reader = ByteReader(record.dropFirst(24))
        do throws(Truncated) {
            for _ in 0..<(try reader.uint16()) { _ = try reader.bytes(Int(try reader.uint16())) }
            _ = try reader.bytes(3)
            return try reader.bytes(Int(try reader.uint16()))
        } catch { return nil }
    }
}
