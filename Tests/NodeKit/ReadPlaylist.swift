// SPDX-License-Identifier: Apache-2.0

import TestKit

/// A media playlist as a player reads it, with whole paths.
package struct ReadPlaylist: Sendable {
    /// Its lines.
    package let lines: [String]
    /// Where its names are looked up.
    private let folder: String

    /// Reads the playlist at `path`.
    package init(_ text: String, at path: String) {
        lines = text.split(separator: "\n").map(String.init)
        folder = String(path.prefix { $0 != "?" }.reversed().drop { $0 != "/" }.reversed())
    }

    /// The segments listed, the oldest first.
    package var segments: [String] { lines.filter { !$0.hasPrefix("#") }.map { folder + $0 } }

    /// The parts listed, the oldest first.
    package var parts: [String] { uris(of: "#EXT-X-PART:") }

    /// The part that comes next.
    package var hint: String? { uris(of: "#EXT-X-PRELOAD-HINT:").first }

    /// The init sections.
    package var initSections: [String] { uris(of: "#EXT-X-MAP:") }

    /// The number of the first segment.
    package var firstMSN: Int { number(after: "#EXT-X-MEDIA-SEQUENCE:") ?? -1 }

    /// The number of the last whole segment.
    package var lastMSN: Int { firstMSN + segments.count - 1 }

    /// TARGETDURATION in seconds.
    package var targetDuration: Int { number(after: "#EXT-X-TARGETDURATION:") ?? -1 }

    /// Whether nothing will come.
    package var isOver: Bool { lines.contains("#EXT-X-ENDLIST") }

    /// The term in the newest name.
    package var term: String? {
        (parts + segments).last.flatMap { $0.split(separator: "/").dropLast().last.map(String.init) }
    }

    /// The values of a tag.
    package func values(of tag: String) -> [String] {
        lines.filter { $0.hasPrefix(tag) }.map { String($0.dropFirst(tag.count)) }
    }

    private func number(after tag: String) -> Int? { values(of: tag).first.flatMap { Int($0) } }

    private func uris(of tag: String) -> [String] {
        values(of: tag).compactMap { value in
            guard let start = value.firstRange(of: "URI=\"")?.upperBound else { return nil }
            return folder + value[start...].prefix { $0 != "\"" }
        }
    }
}

extension TestNode {
    /// The media playlist of `live/name` as it is now.
    package func playlist(_ name: String = "demo", query: String = "") async throws -> ReadPlaylist {
        let path = "/live/\(name)/main/media.m3u8\(query)"
        let answer = try await ask(path)
        guard answer.status == 200 else { throw NeverHappened(description: "\(path): \(answer.status)") }
        return ReadPlaylist(answer.text, at: path)
    }
}
