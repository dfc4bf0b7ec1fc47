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
        if let text = playlist.stray { return "\(text) is no name" }
        guard let furthest, let firstMSN else { return nil }
        if key.position < furthest.position { return "\(key.position) after \(furthest.position)" }
        // Whoever saw the end asks no more: the stream's next life may be held from further back.
        if playlist.firstMSN < firstMSN, !furthest.isEnd { return "begins at \(playlist.firstMSN) after \(firstMSN)" }
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
    let names: [ListedName]
    /// The line of the newest part, segment or gap, and whether the stream ends there: what says all that is listed, as it
    /// names the term.
    private(set) var end = ""
    /// A part or segment whose number is not the one of its place, counted from the first: a number was skipped and no
    /// EXT-X-GAP stands for it.
    private(set) var misplaced: ListedName?
    /// Something listed that is no name.
    private(set) var stray: String?

    init(_ text: [UInt8]) {
        var (first, names, isGap) = (MediaSequenceNumber(0), [ListedName](), false)
        var segments: MediaSequenceNumber = 0
        var (misplaced, stray, end) = (ListedName?.none, String?.none, "")
        func note(_ text: some StringProtocol) {
            guard let name = ListedName(parsing: text) else { return stray = String(text) }
            if name.msn != first + segments { misplaced = name }
            names.append(name)
        }
        for line in text.split(separator: 10) {
            let line = String(decoding: line, as: UTF8.self)
            if line.hasPrefix("#EXT-X-MEDIA-SEQUENCE:") {
                first = MediaSequenceNumber(line.dropFirst(22)) ?? 0
            } else if line.hasPrefix("#EXT-X-GAP") {
                isGap = true
            } else if line.hasPrefix("#EXT-X-PART:") {
                let pieces = line.split(separator: "\"", omittingEmptySubsequences: false)
                if let place = pieces.firstIndex(where: { $0.hasSuffix("URI=") }) { note(pieces[place + 1]) }
                end = line
            } else if line == "#EXT-X-ENDLIST" {
                end += line
            } else if !line.hasPrefix("#") {
                end = line
                if !isGap { note(line) }
                segments += 1
                isGap = false
            }
        }
        (firstMSN, self.names, self.misplaced, self.stray, self.end) = (first, names, misplaced, stray, end)
    }
}

/// `{term}/{msn}.m4s` or `{term}/{msn}.{part}.m4s`.
struct ListedName: Hashable, CustomStringConvertible {
    let term: Term
    let msn: MediaSequenceNumber
    /// Nil for a whole segment.
    let part: Int?

    init?(parsing text: some StringProtocol) {
        let pieces = text.split(separator: "/")
        guard pieces.count == 2, let term = Term(parsing: pieces[0]) else { return nil }
        let numbers = pieces[1].split(separator: ".")
        guard (2...3).contains(numbers.count), let msn = MediaSequenceNumber(numbers[0]) else { return nil }
        self.term = term
        self.msn = msn
        part = numbers.count == 3 ? Int(numbers[1]) : nil
    }

    var description: String { "\(term)/\(msn)\(part.map { ".\($0)" } ?? "").m4s" }
}

extension HeldFeed {
    /// The bytes of a name as they would be served; nil where they are not.
    mutating func bytes(of name: ListedName) -> [UInt8]? {
        if let part = name.part {
            return window.part(PartPosition(msn: name.msn, part: part), term: name.term, rendition: .main)
        }
        return window.segment(name.msn, term: name.term, rendition: .main).map { Array($0.joined()) }
    }
}
