// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Media

/// Cuts pictures of H.264 (RFC 6184, packetization mode 1) and HEVC (RFC 7798) into payloads.
///
/// A picture at which decoding can start is preceded by its parameter sets, in one aggregation packet where they fit:
/// browsers know no other way to get them. Access unit delimiters, filler and SEI are left out. A NAL unit that is too
/// long becomes fragments of equal size but for the last.
public struct NALPacketizer: Sendable {
    private let isHEVC: Bool
    private let sets: [ByteSlice]
    private let longest: Int

    /// A packetizer for pictures that are decoded with `parameters`, which must be of H.264 or HEVC.
    public init(_ parameters: VideoParameters, settings: PacketizerSettings = PacketizerSettings()) {
        precondition(parameters.codec == .h264 || parameters.codec == .hevc, "NAL units of \(parameters.codec.name)")
        isHEVC = parameters.codec == .hevc
        sets = parameters.units.map { Array($0)[...] }
        longest = settings.longestPayload
    }

    /// Appends the payloads of one picture, NAL units behind lengths of four bytes. False, and nothing is appended,
    /// where no picture is in it or a length lies.
    public func packetize(_ picture: ByteSlice, isRandomAccess: Bool, into batch: inout PayloadBatch) -> Bool {
        var survey = NALUnits(picture, lengthSize: 4)
        var hasSlices = false
        while let unit = survey.next() { hasSlices = hasSlices || kind(unit).isSlice }
        guard hasSlices, !survey.isMalformed else { return false }
        if isRandomAccess { appendSets(to: &batch) }
        for unit in NALUnits(picture, lengthSize: 4) where isSent(unit) { append(unit, to: &batch) }
        return true
    }

    private func appendSets(to batch: inout PayloadBatch) {
        let length = sets.reduce(headerLength) { $0 + 2 + $1.count }
        guard sets.count > 1, length <= longest else {
            for unit in sets { append(unit, to: &batch) }
            return
        }
        appendHeader(isHEVC ? Self.hevcAggregation : Self.stapA, of: sets, to: &batch)
        for unit in sets {
            batch.append(bigEndian: UInt16(unit.count))
            batch.append(contentsOf: unit)
        }
        batch.endPayload()
    }

    private func append(_ unit: ByteSlice, to batch: inout PayloadBatch) {
        guard unit.count > longest else {
            batch.append(contentsOf: unit)
            batch.endPayload()
            return
        }
        var rest = unit.dropFirst(headerLength)
        let size = rest.count.evenly(limit: longest - headerLength - 1)
        let first = unit[unit.startIndex]
        let type = isHEVC ? first >> 1 & 63 : first & 31
        var start: UInt8 = 0x80
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            rest = rest.dropFirst(size)
            appendHeader(isHEVC ? Self.hevcFragment : Self.fuA, of: CollectionOfOne(unit), to: &batch)
            batch.append(type | start | (rest.isEmpty ? 0x40 : 0))
            batch.append(contentsOf: piece)
            batch.endPayload()
            start = 0
        }
    }

    /// The header of a packet that holds these units: importance is the highest of theirs (RFC 6184 §5.7.1), the layer
    /// and the temporal id are the lowest (RFC 7798 §4.4.2).
    private func appendHeader(_ type: UInt8, of units: some Collection<ByteSlice>, to batch: inout PayloadBatch) {
        if isHEVC {
            var ids = UInt16.max
            for unit in units {
                ids = min(ids, UInt16(unit[unit.startIndex] & 1) << 8 | UInt16(unit[unit.startIndex + 1]))
            }
            batch.append(type << 1 | UInt8(ids >> 8 & 1))
            batch.append(UInt8(truncatingIfNeeded: ids))
        } else {
            var importance: UInt8 = 0
            for unit in units { importance = max(importance, unit[unit.startIndex] & 0x60) }
            batch.append(importance | type)
        }
    }

    private func isSent(_ unit: ByteSlice) -> Bool {
        unit.count >= headerLength && kind(unit).belongsInSample && kind(unit) != .supplement
    }

    private func kind(_ unit: ByteSlice) -> NALUnitKind { NALUnitKind(unit, isHEVC ? .hevc : .h264) }

    private var headerLength: Int { isHEVC ? 2 : 1 }

    static let stapA: UInt8 = 24
    static let fuA: UInt8 = 28
    static let hevcAggregation: UInt8 = 48
    static let hevcFragment: UInt8 = 49
}

extension NALUnitKind {
    var isSlice: Bool { self == .slice || self == .randomAccessSlice }
}
