// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Feed
public import Identity

/// What of a stream is asked for.
public enum MediaResource: Hashable, Sendable {
    /// `/{app}/{name}.flv`.
    case flv
    /// `/{app}/{name}/{rendition}/{term}/init-{number}.mp4`.
    case initSection(RenditionName, Term, number: UInt32)
    /// `/{app}/{name}/{rendition}/media.m3u8`.
    case mediaPlaylist(RenditionName)
    /// `/{app}/{name}/index.m3u8`, or flat, `/{app}/{name}.m3u8`: relative URIs in it differ.
    case multivariantPlaylist(isFlat: Bool)
    /// `/{app}/{name}/{rendition}/{term}/{msn}.{part}.m4s`.
    case part(RenditionName, Term, PartPosition)
    /// `/{app}/{name}/{rendition}/{term}/{msn}.m4s`.
    case segment(RenditionName, Term, MediaSequenceNumber)

    /// The term in the name; nil for what has none.
    public var term: Term? {
        switch self {
        case .flv, .mediaPlaylist, .multivariantPlaylist: nil
        case .initSection(_, let term, _), .part(_, let term, _), .segment(_, let term, _): term
        }
    }

    /// Reads the end of a path, and takes from it all that belongs to the resource, so that `app/name` is left.
    static func parse(_ path: inout ByteSlice) -> MediaResource? {
        if path.hasSuffix(".flv") { return flat(.flv, suffix: 4, &path) }
        let whole = path
        guard let file = MediaPath.popLast(&path) else { return nil }
        if file.hasSuffix(".m4s") { return media(file.dropLast(4), &path) }
        if file.hasSuffix(".m3u8") { return playlist(file, folder: path, whole: whole, &path) }
        guard file.hasSuffix(".mp4"), file.hasPrefix("init-") else { return nil }
        guard let number = file.dropFirst(5).dropLast(4).decimal, number <= UInt32.max else { return nil }
        guard let (rendition, term) = renditionAndTerm(&path) else { return nil }
        return .initSection(rendition, term, number: UInt32(truncatingIfNeeded: number))
    }

    private static func playlist(
        _ file: ByteSlice, folder: ByteSlice, whole: ByteSlice, _ path: inout ByteSlice
    ) -> MediaResource? {
        var above = folder
        if file.elementsEqual("media.m3u8".utf8), let rendition = rendition(&above), above.contains(MediaPath.slash) {
            path = above
            return .mediaPlaylist(rendition)
        }
        if file.elementsEqual("index.m3u8".utf8), folder.contains(MediaPath.slash) {
            path = folder
            return .multivariantPlaylist(isFlat: false)
        }
        path = whole
        return flat(.multivariantPlaylist(isFlat: true), suffix: 5, &path)
    }

    /// A file that bears the stream's own name.
    private static func flat(_ resource: MediaResource, suffix: Int, _ path: inout ByteSlice) -> MediaResource? {
        path = path.dropLast(suffix)
        return path.isEmpty || path.last == MediaPath.slash ? nil : resource
    }

    private static func media(_ numbers: ByteSlice, _ path: inout ByteSlice) -> MediaResource? {
        guard let (rendition, term) = renditionAndTerm(&path) else { return nil }
        guard let dot = numbers.firstIndex(of: UInt8(ascii: ".")) else {
            return numbers.decimal.map { .segment(rendition, term, $0) }
        }
        guard let msn = numbers[..<dot].decimal, let part = numbers[(dot + 1)...].decimal, part <= UInt32.max else {
            return nil
        }
        return .part(rendition, term, PartPosition(msn: msn, part: Int(truncatingIfNeeded: part)))
    }

    private static func renditionAndTerm(_ folder: inout ByteSlice) -> (RenditionName, Term)? {
        guard let term = MediaPath.popLast(&folder).flatMap(Term.init(path:)) else { return nil }
        return rendition(&folder).map { ($0, term) }
    }

    private static func rendition(_ folder: inout ByteSlice) -> RenditionName? {
        guard let component = MediaPath.popLast(&folder), component.count <= 32 else { return nil }
        if component.elementsEqual("main".utf8) { return .main }
        return RenditionName(parsing: String(decoding: component, as: UTF8.self))
    }
}
