// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// Puts the NAL units of a picture together again: H.264 (RFC 6184 §5.6 to §5.8, single unit and non-interleaved modes)
/// and HEVC (RFC 7798 §4.4, without DONL). They stand behind lengths of four bytes.
struct NALDepacketizer: Sendable {
    private(set) var picture: [UInt8] = []
    private let codec: RTPCodec
    private let longest: Int
    /// Where the length of the unit stands whose fragments are coming.
    private var fragment: Int?

    init(_ codec: RTPCodec, longest: Int) {
        self.codec = codec
        self.longest = longest
    }

    private var isHEVC: Bool { codec == .hevc }
    private var headerLength: Int { isHEVC ? 2 : 1 }

    mutating func append(_ payload: ByteSlice) throws(RTPFailure) {
        // Every byte stays, with four of length for a unit of two or more: no more than thrice as many.
        guard picture.count + payload.count * 3 <= longest else { throw .pictureLength(longest) }
        guard payload.count >= headerLength, let first = payload.first else { throw .payload(codec) }
        let type = isHEVC ? first >> 1 & 63 : first & 31
        switch (codec, type) {
        case (.hevc, NALPacketizer.hevcAggregation), (.h264, NALPacketizer.stapA):
            try appendAggregate(payload.dropFirst(headerLength))
        case (.hevc, NALPacketizer.hevcFragment), (.h264, NALPacketizer.fuA): try appendFragment(payload)
        case (.hevc, 50...63), (.h264, 24...31), (.h264, 0): throw .structure(codec, type)
        default:
            guard fragment == nil else { throw .payload(codec) }
            picture.append(nalUnit: payload)
        }
    }

    /// The picture, or nil where a unit of it has no end.
    mutating func finish() -> [UInt8]? {
        defer {
            picture = []
            fragment = nil
        }
        return fragment == nil ? picture : nil
    }

    /// Whether a payload is the beginning of a picture, as far as its first unit tells: a delimiter, a parameter set,
    /// SEI, or a slice whose first macroblock or block is the picture's.
    static func begins(_ payload: ByteSlice, _ codec: RTPCodec) -> Bool {
        guard let unit = firstUnit(payload, codec) else { return false }
        let first = unit.head
        let start = unit.body.first.map { $0 & 0x80 != 0 } ?? false
        if codec == .hevc {
            let type = first >> 1 & 63
            return type < 32 ? start : [32, 33, 34, 35, 39].contains(type)
        }
        let type = first & 31
        return (1...5).contains(type) ? start : (6...9).contains(type)
    }

    /// Whether a payload is the beginning of a picture at which a decoder can start: it has a parameter set or a slice
    /// of such a picture in front.
    static func beginsRandomAccess(_ payload: ByteSlice, _ codec: RTPCodec) -> Bool {
        guard begins(payload, codec), let first = firstUnit(payload, codec)?.head else { return false }
        if codec == .hevc { return [16, 17, 18, 19, 20, 21, 32, 33].contains(first >> 1 & 63) }
        return [5, 7].contains(first & 31)
    }

    private mutating func appendAggregate(_ units: ByteSlice) throws(RTPFailure) {
        guard fragment == nil, !units.isEmpty else { throw .payload(codec) }
        var reader = ByteReader(units)
        do throws(Truncated) {
            while !reader.isEmpty {
                let unit = try reader.bytes(Int(try reader.uint16()))
                guard unit.count >= headerLength else { throw Truncated() }
                picture.append(nalUnit: unit)
            }
        } catch { throw .payload(codec) }
    }

    private mutating func appendFragment(_ payload: ByteSlice) throws(RTPFailure) {
        guard payload.count > headerLength + 1 else { throw .payload(codec) }
        let start = payload.startIndex
        let head = payload[start + headerLength]
        if head & 0x80 != 0 {
            // A unit in one fragment is forbidden (RFC 6184 §5.8) and understood all the same.
            guard fragment == nil else { throw .payload(codec) }
            fragment = picture.count
            picture.append(bigEndian: UInt32(0))
            picture.append(isHEVC ? payload[start] & 0x81 | (head & 63) << 1 : payload[start] & 0xE0 | head & 31)
            if isHEVC { picture.append(payload[start + 1]) }
        }
        guard let fragment else { throw .payload(codec) }
        picture.append(contentsOf: payload.dropFirst(headerLength + 1))
        guard head & 0x40 != 0 else { return }
        picture.put(bigEndian: UInt32(truncatingIfNeeded: picture.count - fragment - 4), at: fragment)
        self.fragment = nil
    }

    /// The header of the first unit within a payload and what follows it; nil for the middle of a unit.
    private static func firstUnit(_ payload: ByteSlice, _ codec: RTPCodec) -> (head: UInt8, body: ByteSlice)? {
        let length = codec == .hevc ? 2 : 1
        guard payload.count > length else { return nil }
        let start = payload.startIndex
        let type = codec == .hevc ? payload[start] >> 1 & 63 : payload[start] & 31
        switch (codec, type) {
        case (.hevc, NALPacketizer.hevcAggregation), (.h264, NALPacketizer.stapA):
            let unit = payload.dropFirst(length + 2)
            return unit.first.map { ($0, unit.dropFirst(length)) }
        case (.hevc, NALPacketizer.hevcFragment), (.h264, NALPacketizer.fuA):
            guard payload.count > length + 1, payload[start + length] & 0x80 != 0 else { return nil }
            let head = payload[start + length]
            return (codec == .hevc ? (head & 63) << 1 : head & 31, payload.dropFirst(length + 1))
        default: return (payload[start], payload.dropFirst(length))
        }
    }
}
