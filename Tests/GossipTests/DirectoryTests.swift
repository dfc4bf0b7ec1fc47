// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit
import Testing

@Suite("The directory of streams")
struct DirectoryTests {
    @Test("is the same in whatever order its entries come", arguments: 1...20)
    func order(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let entries = try (0..<60).map { _ in
            try entry(
                Int.random(in: 0..<10, using: &random), term: .random(in: 1...3, using: &random),
                version: .random(in: 0...3, using: &random), state: .live)
        }
        var first = StreamDirectory()
        var second = StreamDirectory()
        for entry in entries { _ = first.merge(entry, now: .zero) }
        for entry in entries.shuffled(using: &random) { _ = second.merge(entry, now: .zero) }
        #expect(first.entries == second.entries, "seed \(seed)")
        #expect(first.digest == second.digest, "seed \(seed)")
    }

    @Test("takes an entry only where it overrides")
    func overrides() throws {
        var directory = StreamDirectory()
        #expect(directory.merge(try entry(1, term: 2, version: 1, state: .live), now: .zero))
        for (term, version, isTaken) in [(1, 9, false), (2, 1, false), (2, 0, false), (2, 2, true), (3, 0, true)] {
            let entry = try entry(1, term: UInt64(term), version: UInt32(version), state: .live)
            #expect(directory.merge(entry, now: .zero) == isTaken)
        }
    }

    @Test("forgets a stream 60 s after its end, unless it began again")
    func ends() throws {
        var directory = StreamDirectory()
        let empty = directory.digest
        _ = directory.merge(try entry(1, term: 1, version: 0, state: .live), now: .zero)
        _ = directory.merge(try entry(1, term: 1, version: 1, state: .ended), now: .seconds(5))
        _ = directory.merge(try entry(2, term: 1, version: 1, state: .ended), now: .seconds(6))
        _ = directory.merge(try entry(2, term: 2, version: 0, state: .live), now: .seconds(7))
        directory.expire(now: .seconds(64))
        #expect(directory.entries.count == 2)
        #expect(directory.nextDeadline == .seconds(65))
        directory.expire(now: .seconds(70))
        #expect(directory.entries.keys.map(\.name) == ["s2"])
        #expect(directory.digest != empty)
    }

    @Test("takes no stream more than fit one message, and goes on with those that it has")
    func bound() throws {
        var directory = StreamDirectory()
        var taken = 0
        while !directory.isFull, taken < 20_000 {
            _ = directory.merge(try entry(taken, term: 1, version: 0, state: .live), now: .zero)
            taken += 1
        }
        #expect(taken == 16_384)
        #expect(try !directory.merge(entry(taken, term: 1, version: 0, state: .live), now: .zero))
        #expect(try directory.merge(entry(0, term: 1, version: 1, state: .ended), now: .zero))
        directory.expire(now: .seconds(61))
        #expect(try directory.merge(entry(taken, term: 1, version: 0, state: .live), now: .seconds(61)))
    }

    private func entry(_ number: Int, term: UInt64, version: UInt32, state: StreamState) throws -> StreamEntry {
        StreamEntry(
            stream: try StreamID(parsing: "live/s\(number)"), term: Term(number: term, salt: 1), version: version,
            gateway: name(1), region: .local, state: state, publisher: 0)
    }
}
