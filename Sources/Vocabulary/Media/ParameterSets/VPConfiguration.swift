// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// VPCodecConfigurationRecord, VP-ISOBMFF §2.2: what `vpcC` holds behind its version and flags.
extension VideoParameters {
    /// Builds the configuration of a track of VP8 or VP9 from one of its key frames.
    /// - Throws: `.truncated`; `.malformed` where the frame is no key frame or says what no decoder takes.
    public init(keyFrame: ByteSlice, _ codec: Codec) throws(MediaFailure) {
        var reader = SyntaxReader(keyFrame.prefix(Self.longestFrameHeader))
        let header = try codec == .vp8 ? VPFrameHeader(vp8: &reader) : VPFrameHeader(vp9: &reader)
        self.init(codec: codec, record: header.record[...], header)
    }

    /// Takes a record that one of these initialisers wrote, and the size beside it, which it does not tell.
    /// - Throws: `.truncated`; `.malformed` for what is not such a record, or no size of 1 to 65 535 pixels each way.
    public init(vpcC record: ByteSlice, _ codec: Codec, width: UInt32, height: UInt32) throws(MediaFailure) {
        var reader = SyntaxReader(record)
        var header = VPFrameHeader(try PictureFormat(width: Int(width), height: Int(height)))
        header.profile = try reader.byte()
        _ = try reader.byte()
        header.format.lumaDepth = UInt8(try reader.bits(4))
        header.subsampling = UInt8(try reader.bits(3))
        header.isFullRange = try reader.flag()
        header.colour = (try reader.byte(), try reader.byte(), try reader.byte())
        guard header.profile <= 3, [8, 10, 12].contains(header.format.lumaDepth), header.record == Array(record) else {
            throw .malformed("vpcC")
        }
        self.init(codec: codec, record: record, header)
    }

    private init(codec: Codec, record: ByteSlice, _ header: VPFrameHeader) {
        func padded(_ number: UInt8) -> String { (number < 10 ? "0" : "") + String(number) }
        self.init(
            codec: codec, record: record, width: header.format.width, height: header.format.height, frameRate: nil,
            codecString: "\(codec == .vp8 ? "vp08" : "vp09").\(padded(header.profile)).\(padded(header.level))"
                + ".\(padded(header.format.lumaDepth))")
    }

    /// More than any header of a key frame has, in bytes.
    private static let longestFrameHeader = 24
}

/// What the head of a key frame says.
private struct VPFrameHeader {
    var profile: UInt8 = 0
    var format: PictureFormat
    /// `chromaSubsampling`: 1 is 4:2:0 with chroma at the place of luma, 2 is 4:2:2, 3 is 4:4:4.
    var subsampling: UInt8 = 1
    var isFullRange = false
    /// Primaries, transfer and matrix, code points of ITU-T H.273; 2 is "not said".
    var colour: (UInt8, UInt8, UInt8) = (2, 2, 2)

    init(_ format: PictureFormat) { self.format = format }

    /// RFC 6386 §9.1: the tag, a start code and the size, in the order of little ends.
    init(vp8 reader: inout SyntaxReader) throws(MediaFailure) {
        let tag = try reader.byte()
        try reader.skip(16)
        guard tag & 1 == 0, try reader.bits(24) == 0x9D012A else { throw .malformed("VP8 key frame") }
        let width = Int(try reader.byte()) | Int(try reader.byte() & 0x3F) << 8
        let height = Int(try reader.byte()) | Int(try reader.byte() & 0x3F) << 8
        format = try PictureFormat(width: width, height: height)
        profile = min(tag >> 1 & 7, 3)
    }

    /// VP9 §6.2: the uncompressed header up to the size of the frame.
    init(vp9 reader: inout SyntaxReader) throws(MediaFailure) {
        guard try reader.bits(2) == 2 else { throw .malformed("VP9 frame marker") }
        let (low, high) = (UInt8(try reader.bits(1)), UInt8(try reader.bits(1)))
        let profile = high << 1 | low
        if profile == 3 { try reader.skip(1) }
        // show_existing_frame, frame_type, show_frame, error_resilient_mode.
        guard try reader.bits(2) == 0 else { throw .malformed("VP9 key frame") }
        try reader.skip(2)
        guard try reader.bits(24) == 0x498342 else { throw .malformed("VP9 sync code") }
        var header = VPFrameHeader(try PictureFormat(width: 1, height: 1))
        header.profile = profile
        let depth: UInt8 = profile < 2 ? 8 : try reader.flag() ? 12 : 10
        try header.readColour(&reader)
        let (width, height) = (Int(try reader.bits(16)) + 1, Int(try reader.bits(16)) + 1)
        header.format = try PictureFormat(width: width, height: height)
        header.format.lumaDepth = depth
        self = header
    }

    /// VP9 §6.2.2 and §7.2.2.
    private mutating func readColour(_ reader: inout SyntaxReader) throws(MediaFailure) {
        let space = Int(try reader.bits(3))
        colour = Self.colours[space]
        let isRGB = space == 7
        isFullRange = isRGB ? true : try reader.flag()
        subsampling = isRGB ? 3 : 1
        guard profile & 1 == 1 else { return }
        if !isRGB { subsampling = try reader.flag() ? 2 : 3 }
        try reader.skip(isRGB ? 1 : 2)
    }

    var record: [UInt8] {
        [
            profile, level, format.lumaDepth << 4 | subsampling << 1 | (isFullRange ? 1 : 0),
            colour.0, colour.1, colour.2, 0, 0,
        ]
    }

    /// The lowest level that has room for the picture, at 60 frames a second where levels of that size differ: neither
    /// codec says its level, and players ask for one.
    var level: UInt8 {
        let pixels = UInt64(format.width) * UInt64(format.height)
        return Self.levels.first { $0.pixels >= pixels }?.level ?? 62
    }

    /// VP9 levels by `MaxLumaPictureSize`.
    private static let levels: [(pixels: UInt64, level: UInt8)] = [
        (36_864, 10), (73_728, 11), (122_880, 20), (245_760, 21), (552_960, 30), (983_040, 31), (2_228_224, 41),
        (8_912_896, 51), (35_651_584, 61),
    ]

    /// By `color_space`, VP9 §7.2.2.
    private static let colours: [(UInt8, UInt8, UInt8)] = [
        (2, 2, 2), (6, 6, 6), (1, 1, 1), (6, 6, 6), (7, 7, 7), (9, 14, 9), (2, 2, 2), (1, 13, 0),
    ]
}
