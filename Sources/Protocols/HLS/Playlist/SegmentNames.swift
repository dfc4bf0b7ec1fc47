// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity

/// The names of media as playlists write them, relative to `/{app}/{name}/{rendition}/media.m3u8`.
struct SegmentNames {
    let stream: StreamID
    let rendition: RenditionName

    /// `{term}/init-{n}.mp4`, under the term whose parameters they are.
    func appendInit(_ segment: borrowing WindowSegment, to text: inout PlaylistText) {
        text.append(
            segment.parametersTerm == segment.term ? segment.termText : Array(segment.parametersTerm.description.utf8))
        text.append("/init-")
        text.append(UInt64(segment.parameters))
        text.append(".mp4")
    }

    /// `{term}/{msn}.m4s`, under the term that says where it ends; where a CDN serves segments, its base and the whole path
    /// in front, and the query of its base behind.
    func appendSegment(_ segment: borrowing WindowSegment, to text: inout PlaylistText) {
        appendSegment(segment.msn, segment.wholeTermText, at: segment.cdnBase.map { SegmentBase($0) }, to: &text)
    }

    /// The same of a segment by its number and the text of its term.
    func appendSegment(_ msn: MediaSequenceNumber, _ term: [UInt8], at base: SegmentBase?, to text: inout PlaylistText)
    {
        if let base {
            text.append(base.prefix)
            text.append(percentEncoding: stream.app)
            text.append("/")
            text.append(percentEncoding: stream.name)
            text.append("/")
            text.append(rendition.description)
            text.append("/")
        }
        text.append(term)
        text.append("/")
        text.append(msn)
        text.append(".m4s")
        if let query = base?.query { text.append(query: query) }
    }

    /// `{term}/{msn}.{part}.m4s`. Parts never come from a CDN base: they are gone before it has them.
    static func appendPart(_ part: Int, of msn: MediaSequenceNumber, term: [UInt8], to text: inout PlaylistText) {
        text.append(term)
        text.append("/")
        text.append(msn)
        text.append(".")
        text.append(part)
        text.append(".m4s")
    }
}

/// Where segments are fetched, taken apart once for all of a playlist.
struct SegmentBase {
    /// What stands before the segment's path, with a slash at the end.
    let prefix: String
    /// What stands behind a `?`; nil where nothing does.
    let query: String?

    init(_ text: String) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.first ?? ""
        prefix = path.hasSuffix("/") ? String(path) : path + "/"
        query = parts.count > 1 ? String(parts[1]) : nil
    }
}

extension PlaylistText {
    /// What stands behind a URI; nothing where it is empty.
    mutating func append(query: String) {
        guard !query.isEmpty else { return }
        append("?")
        append(query)
    }

    /// EXT-X-MAP of an init section as the store has it.
    mutating func append(map name: InitSectionName) {
        append("#EXT-X-MAP:URI=\"")
        append(name.term.description)
        append("/init-")
        append(UInt64(name.number))
        append(".mp4\"\n")
    }

    /// A path with all but unreserved characters and slashes escaped (RFC 3986 §2.1).
    mutating func append(percentEncoding path: String) {
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"), UInt8(ascii: "/"):
                append(byte: byte)
            default:
                append(byte: UInt8(ascii: "%"))
                append(byte: Self.digits[Int(byte >> 4)])
                append(byte: Self.digits[Int(byte & 15)])
            }
        }
    }

    private static let digits = Array("0123456789ABCDEF".utf8)
}
