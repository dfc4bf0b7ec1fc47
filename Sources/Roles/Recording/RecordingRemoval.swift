// SPDX-License-Identifier: Apache-2.0

import Identity

/// What is to be removed of a recording, as it is written before anything of it goes.
///
/// A recording is deleted in this order: this is written, then its entry goes and with it the recording from all lists, then
/// its playlists, then its media, then this. So no playlist ever lists what is gone, and any node that finds it goes on.
struct RecordingRemoval: Hashable {
    /// The renditions of the recording.
    var renditions: Set<RenditionName>
    /// The numbers of its segments by the term in their names; nil for a term that has only init sections of it.
    var spans: [Term: ClosedRange<UInt64>?] = [:]
    /// Whether there is a playlist of it of which it can not be read that its own recorder ended it with the stream
    /// (``Conclusion``): somebody may have had more in its terms, which the next recording will list.
    var isOpen = false

    /// A removal of renditions without any media yet.
    init(renditions: Set<RenditionName>) { self.renditions = renditions }

    /// Reads what ``text`` has written; lines of another kind are passed over.
    init(parsing text: [UInt8]) {
        renditions = []
        for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            if words == ["open"] {
                isOpen = true
            } else if words.count == 2, words[0] == "rendition", let name = RenditionName(parsing: words[1]) {
                renditions.insert(name)
            } else if words.count >= 2, words[0] == "term", let term = Term(parsing: words[1]) {
                let numbers = words.dropFirst(2).compactMap { UInt64($0) }
                add(numbers.min().flatMap { first in numbers.max().map { first...$0 } }, in: term)
            }
        }
    }

    /// As it is written.
    var text: [UInt8] {
        let names = renditions.sorted().map { "rendition \($0)" }
        let terms = spans.sorted { $0.key < $1.key }.map { term, span in
            "term \(term)" + (span.map { " \($0.lowerBound) \($0.upperBound)" } ?? "")
        }
        return Array((names + terms + (isOpen ? ["open"] : [])).joined(separator: "\n").utf8) + [UInt8(ascii: "\n")]
    }

    /// The newest segment that is to be removed; nil where none is.
    var last: UInt64? { spans.values.compactMap { $0?.upperBound }.max() }

    /// Whether a segment is to be removed.
    func removes(_ msn: UInt64, in term: Term) -> Bool { spans[term].flatMap { $0 }?.contains(msn) ?? false }

    /// Segments of a term are to be removed, or its init sections alone.
    mutating func add(_ span: ClosedRange<UInt64>?, in term: Term) {
        guard let span else {
            if spans[term] == nil { spans[term] = .some(nil) }
            return
        }
        let former = spans[term].flatMap { $0 } ?? span
        spans[term] = min(former.lowerBound, span.lowerBound)...max(former.upperBound, span.upperBound)
    }

    /// What a media playlist names is to be removed. Of one that is damaged, all that can be read is.
    mutating func add(playlist text: [UInt8]) {
        for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let uri = line.hasPrefix(Self.map) ? line.dropFirst(Self.map.count).prefix { $0 != "\"" } : line
            let parts = uri.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let term = Term(parsing: parts[0]) else { continue }
            if let number = Self.number(of: parts[1]) {
                add(number...number, in: term)
            } else if parts[1].hasPrefix("init-") {
                add(nil, in: term)
            }
        }
    }

    /// The number of a segment, by the name of its file or of a part of it, `{msn}.m4s` or `{msn}.{part}.m4s`.
    static func number(of file: some StringProtocol) -> UInt64? {
        guard file.hasSuffix(".m4s") else { return nil }
        let numbers = file.dropLast(4).split(separator: ".", omittingEmptySubsequences: false).map { UInt64($0) }
        guard numbers.count <= 2, !numbers.contains(nil) else { return nil }
        return numbers.first ?? nil
    }

    /// Whether the name of a file is that of a part, `{msn}.{part}.m4s`.
    static func isPart(_ file: some StringProtocol) -> Bool {
        file.hasSuffix(".m4s") && file.dropLast(4).contains { $0 == "." }
    }

    private static let map = "#EXT-X-MAP:URI=\""
}
