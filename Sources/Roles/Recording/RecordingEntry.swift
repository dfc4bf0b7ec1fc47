// SPDX-License-Identifier: Apache-2.0

import Identity

/// What lies under a recording's key: its multivariant playlist, or what is left to be removed of it.
///
/// A recording is deleted in this order: the entry says what will be removed, then the playlists go, then the media, then
/// the entry. So no playlist ever lists what is gone, and whoever was stopped in between, or finds the entry, goes on.
enum RecordingEntry: Hashable {
    /// The renditions of a recording.
    case recording([RenditionName])
    /// The folders of a recording that is being deleted.
    case removal([MediaFolder])

    /// Where the media of one rendition and term is.
    struct MediaFolder: Hashable {
        let rendition: RenditionName
        let term: Term
    }

    /// Reads what is there.
    init(parsing text: [UInt8]) {
        let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
        if lines.contains(Self.mark[...]) {
            self = .removal(lines.compactMap(Self.folder))
        } else {
            let names = lines.filter { !$0.hasPrefix("#") }.compactMap { uri in
                uri.split(separator: "/").dropLast().last.flatMap { RenditionName(parsing: $0) }
            }
            self = .recording(names)
        }
    }

    /// A removal as it is written: a playlist without anything to play.
    static func text(removing folders: Set<MediaFolder>) -> [UInt8] {
        let lines = folders.map { "\(Self.prefix)\($0.rendition)/\($0.term)" }.sorted()
        return Array((["#EXTM3U", Self.mark] + lines).joined(separator: "\n").utf8) + [UInt8(ascii: "\n")]
    }

    private static func folder(_ line: Substring) -> MediaFolder? {
        guard line.hasPrefix(prefix) else { return nil }
        let parts = line.dropFirst(prefix.count).split(separator: "/")
        guard parts.count == 2, let rendition = RenditionName(parsing: parts[0]), let term = Term(parsing: parts[1])
        else { return nil }
        return MediaFolder(rendition: rendition, term: term)
    }

    private static let mark = "# millrace-deleted"
    private static let prefix = "# millrace-remove "
}
