// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity

/// A playlist read back, as far as tests look.
struct PlaylistLines {
    let lines: [String]

    init(_ text: [UInt8]) {
        lines = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// What stands behind `tag:` in the first such line.
    func value(_ tag: String) -> String? {
        lines.first { $0.hasPrefix("#\(tag):") }.map { String($0.dropFirst(tag.count + 2)) }
    }

    func number(_ tag: String) -> Double? { value(tag).flatMap { Double($0.prefix { $0 != "," }) } }

    func count(_ tag: String) -> Int { lines.count { $0.hasPrefix("#\(tag)") } }

    /// The names of parts and segments.
    var uris: [String] {
        lines.compactMap { line in
            if line.hasPrefix("#EXT-X-PART:") { return Self.attribute("URI", line) }
            return line.hasPrefix("#") ? nil : line
        }
    }

    static func attribute(_ name: String, _ line: String) -> String? {
        for pair in line.drop(while: { $0 != ":" }).dropFirst().split(separator: ",") where pair.hasPrefix("\(name)=") {
            return pair.dropFirst(name.count + 1).replacing("\"", with: "").description
        }
        return nil
    }

    /// Microseconds of a decimal with six decimals, exact.
    static func microseconds(_ text: some StringProtocol) -> Int? {
        let pieces = text.split(separator: ".")
        guard pieces.count == 2, pieces[1].count == 6, let whole = Int(pieces[0]), let rest = Int(pieces[1]) else {
            return nil
        }
        return whole * 1_000_000 + rest
    }
}

extension MediaWindow {
    /// The playlist after a part, as text.
    func text(_ msn: UInt64, _ part: Int, isDelta: Bool = false, rendition: RenditionName = .main) -> String? {
        let key = PlaylistKey(position: PartPosition(msn: msn, part: part))
        return MediaPlaylist(of: self, rendition: rendition, at: key, isDelta: isDelta).map {
            String(decoding: $0.text, as: UTF8.self)
        }
    }

    /// The playlist as it is now, as text.
    func text(isDelta: Bool = false, rendition: RenditionName = .main) -> String? {
        currentKey.flatMap { MediaPlaylist(of: self, rendition: rendition, at: $0, isDelta: isDelta) }.map {
            String(decoding: $0.text, as: UTF8.self)
        }
    }
}

/// What a window would write, without touching it: macros of the test library can not call mutating methods.
extension MediaWindow {
    func writtenPart(_ position: PartPosition, term: Term, rendition: RenditionName = .main) -> [UInt8]? {
        var copy = self
        return copy.part(position, term: term, rendition: rendition)
    }

    func writtenSegment(_ msn: UInt64, term: Term, rendition: RenditionName = .main) -> [[UInt8]]? {
        var copy = self
        return copy.segment(msn, term: term, rendition: rendition)
    }

    func writtenInit(_ number: UInt32, term: Term, rendition: RenditionName = .main) -> [UInt8]? {
        var copy = self
        return copy.initSection(number, term: term, rendition: rendition)
    }
}
