// SPDX-License-Identifier: Apache-2.0

public import Identity
import Objects

/// The name of a recording: its stream and the number of its first segment, which is the Unix time in seconds at which the
/// stream began, or later; numbers of a stream never come again.
///
/// In the store there is a multivariant playlist for it, `recordings/{app}/{name}/{number}.m3u8`, by which recordings are
/// found, and a media playlist for each rendition beside the segments, `{app}/{name}/{rendition}/{number}.m3u8`. The newest
/// recording's multivariant playlist is `{app}/{name}/index.m3u8` as well.
public struct RecordingName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The stream.
    public let stream: StreamID
    /// The number of the first segment.
    public let number: UInt64

    /// A name of its parts.
    public init(stream: StreamID, number: UInt64) {
        self.stream = stream
        self.number = number
    }

    /// Reads `{app}/{name}/{number}`; nil for anything else.
    public init?(parsing text: some StringProtocol) {
        guard let slash = text.lastIndex(of: "/"), let number = UInt64(text[text.index(after: slash)...]),
            let stream = try? StreamID(parsing: text[..<slash])
        else { return nil }
        self.init(stream: stream, number: number)
        guard description == text else { return nil }
    }

    /// `{app}/{name}/{number}`.
    public var description: String { "\(stream)/\(number)" }

    /// The key of its multivariant playlist in the store.
    public var playlistKey: String { key.description }

    /// Orders by stream, then by number.
    public static func < (left: RecordingName, right: RecordingName) -> Bool {
        (left.stream, left.number) < (right.stream, right.number)
    }
}

extension RecordingName {
    /// What the keys of all recordings' multivariant playlists begin with; no stream's app is called so.
    static let folder = "recordings/"

    /// The recording whose multivariant playlist lies under `key`.
    init?(_ key: ObjectKey) {
        let text = key.description
        guard text.hasPrefix(Self.folder), text.hasSuffix(".m3u8") else { return nil }
        self.init(parsing: text.dropFirst(Self.folder.count).dropLast(5))
    }

    /// The recording and the rendition of a URI in `{app}/{name}/index.m3u8`: `{rendition}/{number}.m3u8`.
    static func parsing(uri: some StringProtocol, of stream: StreamID) -> (RecordingName, RenditionName)? {
        let parts = uri.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let rendition = RenditionName(parsing: parts[0]), parts[1].hasSuffix(".m3u8"),
            let number = UInt64(parts[1].dropLast(5))
        else { return nil }
        return (RecordingName(stream: stream, number: number), rendition)
    }

    /// The multivariant playlist by which it is found.
    var key: ObjectKey { .known("\(Self.folder)\(self).m3u8") }

    /// What says that it is being deleted.
    var removalKey: ObjectKey { .known("\(Self.folder)\(self)\(Self.removalSuffix)") }

    /// The recording that is being deleted, by the key of what says so.
    init?(removal key: ObjectKey) {
        let text = key.description
        guard text.hasPrefix(Self.folder), text.hasSuffix(Self.removalSuffix) else { return nil }
        self.init(parsing: text.dropFirst(Self.folder.count).dropLast(Self.removalSuffix.count))
    }

    private static let removalSuffix = ".deleted"

    /// The media playlist of a rendition.
    func mediaKey(_ rendition: RenditionName) -> ObjectKey { .known("\(stream)/\(rendition)/\(number).m3u8") }

    /// The media playlist of a rendition as ``key`` refers to it.
    func mediaURI(_ rendition: RenditionName) -> String {
        let up = String(repeating: "../", count: stream.description.count { $0 == "/" } + 2)
        return "\(up)\(stream)/\(rendition)/\(number).m3u8"
    }

    /// The multivariant playlist of a stream's newest recording.
    static func indexKey(of stream: StreamID) -> ObjectKey { .known("\(stream)/index.m3u8") }
}

extension ObjectKey {
    /// A key made of a stream's name and our own words, of which every store can hold each.
    static func known(_ text: String) -> ObjectKey {
        guard let key = ObjectKey(parsing: text) else { preconditionFailure("not a key: \(text)") }
        return key
    }
}
