// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Testing

@Suite("Playlists of any feed")
struct PlaylistPropertyTests {
    @Test("obey the rules after every part", arguments: 0..<16 as Range<UInt64>)
    func rules(seed: UInt64) throws {
        let script =
            seed.isMultiple(of: 4)
            ? FeedScript.random(seed: seed, partTarget: seed.isMultiple(of: 8) ? nil : .milliseconds(500))
            : .any(seed: seed)
        var window = MediaWindow(stream: FeedScript.stream)
        var lint = PlaylistLint()
        for entry in script.entries {
            FeedScript.play(entry, into: &window)
            guard FeedScript.isMark(entry), let key = window.currentKey else { continue }
            let full = try #require(MediaPlaylist(of: window, rendition: .main, at: key), "seed \(seed)")
            let delta = try #require(MediaPlaylist(of: window, rendition: .main, at: key, isDelta: true))
            let faults = lint.faults(full: PlaylistLines(full.text), delta: PlaylistLines(delta.text))
            #expect(faults.isEmpty, "seed \(seed), \(key): \(String(decoding: full.text, as: UTF8.self))")
            for uri in PlaylistLines(full.text).uris.suffix(6) where !script.isGap(uri) {
                #expect(window.holds(uri), "seed \(seed): \(uri) is listed and not there")
            }
        }
    }

    @Test("are the same later as they were directly after their part", arguments: 0..<8 as Range<UInt64>)
    func purity(seed: UInt64) throws {
        let script = FeedScript.any(seed: seed)
        var window = MediaWindow(stream: FeedScript.stream)
        var texts: [PlaylistKey: [UInt8]] = [:]
        let positions = script.positions
        var compared = 0
        for entry in script.entries {
            FeedScript.play(entry, into: &window)
            guard FeedScript.isMark(entry), let key = window.currentKey else { continue }
            texts[key] = texts[key] ?? MediaPlaylist(of: window, rendition: .main, at: key)?.text
            for (position, _) in positions.filter({ $0.position <= key.position }).suffix(16) {
                let query = Array("_HLS_msn=\(position.msn)&_HLS_part=\(position.part)".utf8)
                let directive = BlockingReload.directive(for: .mediaPlaylist(.main), query: query[...], window: window)
                guard case .playlist(let answer, _, .seconds) = directive else { continue }
                #expect(MediaPlaylist(of: window, rendition: .main, at: answer)?.text == texts[answer], "seed \(seed)")
                compared += 1
            }
        }
        #expect(compared > 100, "seed \(seed)")
    }

    @Test("and their media are the same at a node that joined late", arguments: 0..<8 as Range<UInt64>)
    func lateJoin(seed: UInt64) throws {
        let script = FeedScript.any(seed: seed)
        var early = script.window()
        let key = try #require(early.currentKey)
        let text = MediaPlaylist(of: early, rendition: .main, at: key)?.text
        var joinedWhole = 0
        for start in script.starts {
            var late = script.window(from: start)
            if let lateKey = late.currentKey {
                joinedWhole += 1
                #expect(lateKey == key, "seed \(seed)")
                #expect(MediaPlaylist(of: late, rendition: .main, at: key)?.text == text, "seed \(seed), from \(start)")
                #expect(MultivariantPlaylist(of: late)?.text == MultivariantPlaylist(of: early)?.text)
            }
            for (position, term) in script.positions {
                guard let bytes = late.part(position, term: term, rendition: .main) else { continue }
                guard let same = early.part(position, term: term, rendition: .main) else { continue }
                #expect(bytes == same, "seed \(seed): \(term)/\(position)")
                #expect(
                    late.segment(position.msn, term: term, rendition: .main)
                        == early.segment(position.msn, term: term, rendition: .main))
            }
        }
        #expect(joinedWhole >= 10, "seed \(seed)")
    }

    @Test("are made of feeds that have segments ended by marks without media")
    func closingMarks() {
        for seed in 0..<2 as Range<UInt64> {
            #expect((0..<4).contains { FeedScript.any(seed: seed + 2 * $0).closingMarks > 0 }, "seed \(seed)")
        }
    }
}

extension FeedScript {
    /// Whether a segment's name is that of a gap.
    func isGap(_ uri: String) -> Bool {
        entries.contains {
            if case .gap(let gap) = $0.record { uri.hasSuffix("/\(gap.msn).m4s") } else { false }
        }
    }
}

extension MediaWindow {
    /// Whether a relative name of a playlist has bytes behind it, asked as a viewer asks.
    func holds(_ uri: String) -> Bool {
        guard let path = try? MediaPath(parsing: Array("/live/cam/main/\(uri)".utf8)[...]) else { return false }
        var copy = self
        let directive = BlockingReload.directive(for: path.resource, window: self)
        switch path.resource {
        case .part(let rendition, let term, let position):
            return directive == .part && copy.part(position, term: term, rendition: rendition) != nil
        case .segment(let rendition, let term, let msn):
            let parts = copy.segment(msn, term: term, rendition: rendition)
            return directive == .segment && parts?.isEmpty == false
        default: return false
        }
    }
}
