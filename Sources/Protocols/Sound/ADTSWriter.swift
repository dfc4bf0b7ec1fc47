// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Media

/// Writes raw AAC as an Audio Data Transport Stream (ISO/IEC 13818-7 §6.2): each unit behind a header of seven bytes that
/// says all that a decoder must know, so that one can begin with any unit.
public struct ADTSWriter: Hashable, Sendable {
    /// The fields of the header that are the same for all units, its length field zero.
    private let header: UInt64

    /// A writer for units of this track; nil for what the header has no words for: units of 960 samples, channels by a
    /// program config element, a rate that is in no table, and whatever is not AAC.
    public init?(_ parameters: AudioParameters) {
        guard parameters.codec == .aac, parameters.samplesPerUnit == 1024,
            let core = CoreConfiguration(parameters.record)
        else { return nil }
        // syncword 0xFFF, MPEG-4, layer 0, no checksum; behind the fields comes a full buffer (0x7FF) of one block.
        header = 0xFFF1 << 40 | core.profile << 38 | core.rate << 34 | core.channels << 30 | 0x7FF << 2
    }

    /// Appends one unit. Returns false for an empty one, and for one that is longer than the header can say.
    public func append(_ unit: ByteSlice, to bytes: inout [UInt8]) -> Bool {
        let length = unit.count + Self.headerLength
        guard !unit.isEmpty, length <= Self.longest else { return false }
        let fields = header | UInt64(length) << 13
        for shift in stride(from: 48, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: fields >> shift)) }
        bytes.append(contentsOf: unit)
        return true
    }

    private static let headerLength = 7
    /// The length field has 13 bits.
    private static let longest = 8191
}

/// What AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) says of the core, in the numbers of the header. Decoders find SBR
/// and PS in the units themselves.
private struct CoreConfiguration {
    let profile: UInt64
    let rate: UInt64
    let channels: UInt64

    init?(_ record: ByteSlice) {
        var reader = BitReader(record)
        do throws(Truncated) {
            var type = try reader.bits(5)
            rate = UInt64(try reader.bits(4))
            channels = UInt64(try reader.bits(4))
            if type == 5 || type == 29 {
                guard try reader.bits(4) != 15 else { return nil }
                type = try reader.bits(5)
            }
            guard (1...4).contains(type), rate < 13, (1...7).contains(channels) else { return nil }
            profile = UInt64(type - 1)
        } catch { return nil }
    }
}
