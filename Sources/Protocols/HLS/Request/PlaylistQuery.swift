// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Feed

/// The delivery directives of a playlist request (RFC 8216bis §6.2.5), read out of a query; other parameters are not ours
/// and change nothing.
public struct PlaylistQuery: Hashable, Sendable {
    /// `_HLS_msn`: the segment that the playlist must have.
    public let msn: MediaSequenceNumber?
    /// `_HLS_part`: the part of that segment that the playlist must have. Only ever there with `msn`.
    public let part: Int?
    /// `_HLS_skip`, `YES` or `v2`: a delta update is welcome. There are no date ranges here, so the two are the same.
    public let skip: Bool

    /// The directives can not be obeyed (400): twice the same one, no whole number, one over 64 bits, or a part
    /// without its segment.
    public struct Malformed: Error, Hashable, Sendable {}

    /// A request without directives.
    public static let none = PlaylistQuery(msn: nil, part: nil, skip: false)

    /// Directives of their parts; `part` only with `msn`.
    public init(msn: MediaSequenceNumber?, part: Int? = nil, skip: Bool = false) {
        precondition(part == nil || msn != nil, "a part of no segment")
        self.msn = msn
        self.part = part
        self.skip = skip
    }

    /// Parses what stands behind the `?` of a request target.
    public init(parsing query: ByteSlice) throws(Malformed) {
        var msn: UInt64?
        var part: UInt64?
        var skip: Bool?
        var rest = query
        while !rest.isEmpty {
            let pair = rest.prefix { $0 != UInt8(ascii: "&") }
            rest = rest[pair.endIndex...].dropFirst()
            guard pair.hasPrefix("_HLS_") else { continue }
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            let value = pair[name.endIndex...].dropFirst()
            if name.elementsEqual("_HLS_msn".utf8) { try Self.set(&msn, value) }
            if name.elementsEqual("_HLS_part".utf8) { try Self.set(&part, value) }
            if name.elementsEqual("_HLS_skip".utf8) {
                guard skip == nil else { throw Malformed() }
                skip = value.elementsEqual("YES".utf8) || value.elementsEqual("v2".utf8)
            }
        }
        guard part == nil || msn != nil, part ?? 0 <= UInt32.max else { throw Malformed() }
        self.msn = msn
        self.part = part.map { Int(truncatingIfNeeded: $0) }
        self.skip = skip ?? false
    }

    /// Whether a viewer wants a playlist that reaches back, `dvr=1`, or one that does not, `dvr=0`; nil where the query says
    /// neither. Our own word, so players that name playlists by themselves need not know it.
    public static func rewinds(_ query: ByteSlice) -> Bool? {
        for pair in query.split(separator: UInt8(ascii: "&")) {
            if pair.elementsEqual("dvr=1".utf8) { return true }
            if pair.elementsEqual("dvr=0".utf8) { return false }
        }
        return nil
    }

    private static func set(_ number: inout UInt64?, _ value: ByteSlice) throws(Malformed) {
        guard number == nil, let digits = value.digits else { throw Malformed() }
        number = digits
    }
}
