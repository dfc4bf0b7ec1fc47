// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The sequence header of AV1, AV1 §5.5.
struct AV1SequenceHeader {
    let profile: UInt8
    private(set) var level: UInt8 = 0
    private(set) var isHighTier = false
    private(set) var isMonochrome = false
    private(set) var subsamplesX = true
    private(set) var subsamplesY = true
    private(set) var chromaPosition: UInt8 = 0
    private(set) var format: PictureFormat
    private var frameRate: Double?
    private var decoderDelayBits = 0

    /// Reads the payload of a sequence header OBU.
    init(_ payload: ByteSlice) throws(MediaFailure) {
        var reader = SyntaxReader(payload)
        profile = UInt8(try reader.bits(3))
        guard profile <= 2 else { throw .malformed("seq_profile") }
        try reader.skip(1)
        let isReduced = try reader.flag()
        format = try PictureFormat(width: 1, height: 1)
        if isReduced { level = UInt8(try reader.bits(5)) } else { try readOperation(&reader) }
        let (widthBits, heightBits) = (Int(try reader.bits(4)) + 1, Int(try reader.bits(4)) + 1)
        let (width, height) = (Int(try reader.bits(widthBits)) + 1, Int(try reader.bits(heightBits)) + 1)
        format = try PictureFormat(width: width, height: height)
        format.frameRate = frameRate
        if !isReduced, try reader.flag() { try reader.skip(7) }
        try Self.skipTools(&reader, isReduced: isReduced)
        try readColour(&reader)
    }

    /// Timing, decoder model and operating points; the first point is the one that counts.
    private mutating func readOperation(_ reader: inout SyntaxReader) throws(MediaFailure) {
        var hasModel = false
        if try reader.flag() {
            try readTiming(&reader)
            hasModel = try reader.flag()
            if hasModel {
                decoderDelayBits = Int(try reader.bits(5)) + 1
                try reader.skip(42)
            }
        }
        let hasDelays = try reader.flag()
        for point in 0...(try reader.bits(5)) {
            try reader.skip(12)
            let pointLevel = UInt8(try reader.bits(5))
            let isHigh = pointLevel > 7 ? try reader.flag() : false
            if point == 0 { (level, isHighTier) = (pointLevel, isHigh) }
            if hasModel, try reader.flag() { try reader.skip(2 * decoderDelayBits + 1) }
            if hasDelays, try reader.flag() { try reader.skip(4) }
        }
    }

    /// §5.5.3; frames are evenly spaced only where it says so.
    private mutating func readTiming(_ reader: inout SyntaxReader) throws(MediaFailure) {
        let (tick, scale) = (try reader.bits(32), try reader.bits(32))
        guard try reader.flag() else { return }
        let ticks = try reader.unsigned()  // uvlc() less one is ue(v)
        frameRate = PictureFormat.saneRate(scale, UInt64(tick).multipliedReportingOverflow(by: UInt64(ticks) + 1).0)
    }

    private static func skipTools(_ reader: inout SyntaxReader, isReduced: Bool) throws(MediaFailure) {
        try reader.skip(3)
        if !isReduced {
            try reader.skip(4)
            let hasOrderHints = try reader.flag()
            if hasOrderHints { try reader.skip(2) }
            let usesScreenTools = try reader.flag() ? true : try reader.flag()
            if usesScreenTools, try !reader.flag() { try reader.skip(1) }
            if hasOrderHints { try reader.skip(3) }
        }
        try reader.skip(3)
    }

    /// §5.5.2
    private mutating func readColour(_ reader: inout SyntaxReader) throws(MediaFailure) {
        let isDeep = try reader.flag()
        let isTwelve = profile == 2 && isDeep ? try reader.flag() : false
        format.lumaDepth = isTwelve ? 12 : isDeep ? 10 : 8
        format.chromaDepth = format.lumaDepth
        isMonochrome = profile == 1 ? false : try reader.flag()
        var points: (UInt8, UInt8, UInt8) = (2, 2, 2)
        let isDescribed = try reader.flag()
        if isDescribed { points = (try reader.byte(), try reader.byte(), try reader.byte()) }
        let isRGB = !isMonochrome && points == (1, 13, 0)
        let isFullRange = isRGB ? true : try reader.flag()
        if isDescribed {
            format.colour = .init(
                primaries: points.0, transfer: points.1, matrix: points.2, isFullRange: isFullRange)
        }
        if isRGB {
            (subsamplesX, subsamplesY) = (false, false)
        } else if !isMonochrome {
            try readSubsampling(&reader, isTwelve: isTwelve)
        }
        format.chromaFormat = isMonochrome ? 0 : subsamplesY ? 1 : subsamplesX ? 2 : 3
    }

    private mutating func readSubsampling(_ reader: inout SyntaxReader, isTwelve: Bool) throws(MediaFailure) {
        switch profile {
        case 0: (subsamplesX, subsamplesY) = (true, true)
        case 1: (subsamplesX, subsamplesY) = (false, false)
        default:
            subsamplesX = isTwelve ? try reader.flag() : true
            subsamplesY = isTwelve && subsamplesX ? try reader.flag() : false
        }
        if subsamplesX, subsamplesY { chromaPosition = UInt8(try reader.bits(2)) }
    }
}
