// SPDX-License-Identifier: Apache-2.0

/// The type of a box: four characters, ISO/IEC 14496-12 §4.2.
public struct BoxType: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The four bytes, the first one highest.
    public let code: UInt32

    /// A type of its four bytes.
    public init(code: UInt32) { self.code = code }

    /// A type in the source, exactly four ASCII characters.
    public init(stringLiteral text: StaticString) {
        precondition(text.utf8CodeUnitCount == 4, "a box type of \(text.utf8CodeUnitCount) bytes")
        code = text.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt32($1) } }
    }

    /// The four characters, with `?` for bytes that do not print.
    public var description: String {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: code >> (24 - $0 * 8)) }
        return String(decoding: bytes.map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}

extension BoxType {
    /// File type and brands.
    public static let ftyp: BoxType = "ftyp"
    /// Segment type and brands.
    public static let styp: BoxType = "styp"
    /// Producer reference time: which media time was when.
    public static let prft: BoxType = "prft"
    /// Movie: the whole of an init section but its brands.
    public static let moov: BoxType = "moov"
    /// Movie fragment.
    public static let moof: BoxType = "moof"
    /// Movie fragment header, with the sequence number.
    public static let mfhd: BoxType = "mfhd"
    /// Track fragment.
    public static let traf: BoxType = "traf"
    /// Track fragment header, with the track and what samples have in common.
    public static let tfhd: BoxType = "tfhd"
    /// Decode time of the first sample.
    public static let tfdt: BoxType = "tfdt"
    /// Table of samples.
    public static let trun: BoxType = "trun"
    /// The samples' bytes.
    public static let mdat: BoxType = "mdat"
}
