// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity

/// What the viewers of one node were shown in its life, for what must be true of it.
struct ServedPlaylists {
    /// The furthest part listed.
    private var furthest: PlaylistKey?
    private var firstMSN: MediaSequenceNumber?

    /// A playlist was shown. What is wrong with it, seen from those before.
    mutating func show(_ playlist: ReadNames, at key: PlaylistKey) -> String? {
        defer {
            furthest = key
            firstMSN = playlist.firstMSN
        }
        guard let furthest, let firstMSN else { return nil }
        if key.position < furthest.position { return "\(key.position) after \(furthest.position)" }
        if playlist.firstMSN < firstMSN { return "begins at \(playlist.firstMSN) after \(firstMSN)" }
        return nil
    }
}

/// A media playlist as a viewer reads it.
struct ReadNames {
    /// EXT-X-MEDIA-SEQUENCE.
    let firstMSN: MediaSequenceNumber
    /// Every part and segment listed that is no gap.
    let names: [String]
    /// The line of the newest part, segment or gap, and whether the stream ends there: what says all that is listed, as it
    /// names the term.
    private(set) var end = ""

    init(_ text: [UInt8]) {
        var (first, names, isGap) = (MediaSequenceNumber(0), [String](), false)
        for line in text.split(separator: 10) {
            let line = String(decoding: line, as: UTF8.self)
            if line.hasPrefix("#EXT-X-MEDIA-SEQUENCE:") {
                first = MediaSequenceNumber(line.dropFirst(22)) ?? 0
            } else if line.hasPrefix("#EXT-X-GAP") {
                isGap = true
            } else if line.hasPrefix("#EXT-X-PART:"), let start = line.firstRange(of: "URI=\"")?.upperBound {
                names.append(String(line[start...].prefix { $0 != "\"" }))
                end = line
            } else if line == "#EXT-X-ENDLIST" {
                end += line
            } else if !line.hasPrefix("#") {
                end = line
                if !isGap { names.append(line) }
                isGap = false
            }
        }
        firstMSN = first
        self.names = names
    }
}

extension HeldFeed {
    /// The bytes of a name as they would be served; nil where they are not.
    mutating func bytes(of name: String) -> [UInt8]? {
        let pieces = name.split(separator: "/")
        guard pieces.count == 2, let term = Term(parsing: pieces[0]) else { return nil }
        let numbers = pieces[1].dropLast(4).split(separator: ".").compactMap { UInt64($0) }
        if numbers.count == 2 {
            let position = PartPosition(msn: numbers[0], part: Int(numbers[1]))
            return window.part(position, term: term, rendition: .main)
        }
        return numbers.first.flatMap { window.segment($0, term: term, rendition: .main) }.map { Array($0.joined()) }
    }
}
