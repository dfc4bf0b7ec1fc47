// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity

/// What the viewers of one node were shown in its life, for what must be true of it.
struct ServedPlaylists {
    /// The furthest part listed.
    private var furthest: PlaylistKey?
    private var firstMSN: MediaSequenceNumber?
    /// When `furthest` last moved.
    private var moved: Duration = .zero

    /// A playlist was shown. What is wrong with it, seen from those before.
    /// - Parameter newest: the highest number that anybody listed when this node's last playlist was shown.
    mutating func show(
        _ playlist: ReadNames, at key: PlaylistKey, newest: MediaSequenceNumber, now: Duration
    ) -> String? {
        defer {
            if furthest != key { moved = now }
            furthest = key
            firstMSN = playlist.firstMSN
        }
        if let name = playlist.misplaced { return "\(name) has another number than its place" }
        guard let furthest, let firstMSN else { return nil }
        if key.position < furthest.position { return "\(key.position) after \(furthest.position)" }
        if playlist.firstMSN < firstMSN { return "begins at \(playlist.firstMSN) after \(firstMSN)" }
        // Who was far behind, or had nothing new to show for long, may begin anew.
        let isCurrent = furthest.position.msn + 1 >= newest && now - moved < .seconds(1)
        if isCurrent, playlist.firstMSN > furthest.position.msn + 1 {
            return "begins at \(playlist.firstMSN) after \(furthest.position)"
        }
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
    /// A part or segment whose number is not the one of its place, counted from the first: a number was skipped and no
    /// EXT-X-GAP stands for it.
    private(set) var misplaced: String?

    init(_ text: [UInt8]) {
        var (first, names, isGap) = (MediaSequenceNumber(0), [String](), false)
        var segments: MediaSequenceNumber = 0
        func isMisplaced(_ name: String) -> Bool { Self.msn(of: name) != first + segments }
        for line in text.split(separator: 10) {
            let line = String(decoding: line, as: UTF8.self)
            if line.hasPrefix("#EXT-X-MEDIA-SEQUENCE:") {
                first = MediaSequenceNumber(line.dropFirst(22)) ?? 0
            } else if line.hasPrefix("#EXT-X-GAP") {
                isGap = true
            } else if line.hasPrefix("#EXT-X-PART:"), let start = line.firstRange(of: "URI=\"")?.upperBound {
                let name = String(line[start...].prefix { $0 != "\"" })
                if isMisplaced(name) { misplaced = name }
                names.append(name)
                end = line
            } else if line == "#EXT-X-ENDLIST" {
                end += line
            } else if !line.hasPrefix("#") {
                end = line
                if !isGap {
                    if isMisplaced(line) { misplaced = line }
                    names.append(line)
                }
                segments += 1
                isGap = false
            }
        }
        firstMSN = first
        self.names = names
    }

    /// The number in `{term}/{msn}.m4s` or `{term}/{msn}.{part}.m4s`.
    private static func msn(of name: String) -> MediaSequenceNumber? {
        let number = name.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst().prefix { $0 != UInt8(ascii: ".") }
        return MediaSequenceNumber(Substring(number))
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
