// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// AudioSpecificConfig, ISO/IEC 14496-3 §1.6.2.1.
extension AudioParameters {
    /// Reads an AudioSpecificConfig of AAC Main, LC or LTP, with or without SBR and PS.
    ///
    /// The track's clock is the core rate, also where SBR doubles what is heard, because a unit is 1024 samples of the
    /// core. The codec string is `mp4a.40.5` where SBR is signalled in either way and `mp4a.40.29` where PS is.
    /// - Throws: `.unsupported("audioObjectType")`, `.malformed`, `.truncated`.
    public init(audioSpecificConfig record: ByteSlice) throws(MediaFailure) {
        guard record.count <= Self.longestRecord else { throw .malformed("AudioSpecificConfig") }
        let config = try AudioSpecificConfig(record)
        self.init(
            codec: .aac, record: Array(record)[...], sampleRate: config.sampleRate, channels: config.channels,
            codecString: "mp4a.40.\(config.signalledType)", samplesPerUnit: config.isShort ? 960 : 1024)
    }

    /// Far above what a program config element with its comment can take.
    private static let longestRecord = 512
}

/// The fields of the record that matter to a packager.
private struct AudioSpecificConfig {
    /// The object type of the codec string: 5 with SBR, 29 with PS, else the core's.
    private(set) var signalledType: UInt32
    private(set) var sampleRate: UInt32
    private(set) var channels: UInt8
    /// Whether a unit is 960 samples and not 1024.
    private(set) var isShort = false

    init(_ record: ByteSlice) throws(MediaFailure) {
        var reader = SyntaxReader(record)
        var coreType = try Self.objectType(&reader)
        signalledType = coreType
        sampleRate = try Self.rate(&reader)
        let configuration = Int(try reader.bits(4))
        if coreType == 5 || coreType == 29 {
            _ = try Self.rate(&reader)
            coreType = try Self.objectType(&reader)
        }
        guard coreType == 1 || coreType == 2 || coreType == 4 else { throw .unsupported("audioObjectType") }
        isShort = try reader.flag()
        if try reader.flag() { try reader.skip(14) }
        try reader.skip(1)
        guard let known = Self.channelCounts[configuration] else { throw .malformed("channelConfiguration") }
        channels = configuration == 0 ? try Self.programChannels(&reader) : known
        guard channels > 0 else { throw .malformed("channelConfiguration") }
        if signalledType == coreType { readSyncExtension(&reader) }
    }

    /// §1.6.6.1: SBR told behind the core's configuration, so that decoders without SBR do not see it.
    private mutating func readSyncExtension(_ reader: inout SyntaxReader) {
        do throws(MediaFailure) {
            guard try reader.bits(11) == 0x2B7, try Self.objectType(&reader) == 5, try reader.flag() else { return }
            signalledType = 5
            _ = try Self.rate(&reader)
            if try reader.bits(11) == 0x548, try reader.flag() { signalledType = 29 }
        } catch {}
    }

    private static func objectType(_ reader: inout SyntaxReader) throws(MediaFailure) -> UInt32 {
        let type = try reader.bits(5)
        return type == 31 ? 32 + (try reader.bits(6)) : type
    }

    private static func rate(_ reader: inout SyntaxReader) throws(MediaFailure) -> UInt32 {
        let index = Int(try reader.bits(4))
        let rate = index == 15 ? try reader.bits(24) : rates.indices.contains(index) ? rates[index] : 0
        guard (1...192_000).contains(rate) else { throw .malformed("samplingFrequency") }
        return rate
    }

    /// Channels of a program_config_element, §4.4.1.1.
    private static func programChannels(_ reader: inout SyntaxReader) throws(MediaFailure) -> UInt8 {
        try reader.skip(10)
        let elements = (try reader.bits(4)) + (try reader.bits(4)) + (try reader.bits(4))
        let lowFrequency = try reader.bits(2)
        try reader.skip(7)
        for width in [4, 4, 3] where try reader.flag() { try reader.skip(width) }
        var channels = lowFrequency
        for _ in 0..<elements {
            channels += try reader.flag() ? 2 : 1
            try reader.skip(4)
        }
        return UInt8(truncatingIfNeeded: channels)
    }

    /// Table 1.18.
    private static let rates: [UInt32] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
    ]

    /// Table 1.19; 0 stands for a program_config_element.
    private static let channelCounts: [Int: UInt8] = [
        0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8, 11: 7, 12: 8, 14: 8,
    ]
}
