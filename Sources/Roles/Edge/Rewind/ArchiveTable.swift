// SPDX-License-Identifier: Apache-2.0

import Bytes
import WebServer

/// Old media as it was last answered, by its path: the least recently asked for goes first where there is no room.
struct ArchiveTable {
    /// What all of it may take.
    let limit: ByteCount
    /// What all of it takes.
    private(set) var bytes = 0
    private var entries: [String: Entry] = [:]
    private var clock: UInt64 = 0

    private struct Entry {
        let answer: MediaAnswer
        var used: UInt64
    }

    init(limit: ByteCount) { self.limit = limit }

    /// The answer under a path, which is used now.
    mutating func take(_ path: String) -> MediaAnswer? {
        clock += 1
        entries[path]?.used = clock
        return entries[path]?.answer
    }

    /// Keeps an answer. The one that was just put there stays, however large.
    mutating func insert(_ answer: MediaAnswer, under path: String) {
        clock += 1
        bytes += answer.length - (entries[path]?.answer.length ?? 0)
        entries[path] = Entry(answer: answer, used: clock)
        while bytes > limit.bytes, entries.count > 1, let oldest = entries.min(by: { $0.value.used < $1.value.used }) {
            bytes -= oldest.value.answer.length
            entries[oldest.key] = nil
        }
    }

    /// Removes all answers whose paths are such.
    mutating func remove(where isSuch: (String) -> Bool) {
        for (path, entry) in entries where isSuch(path) {
            bytes -= entry.answer.length
            entries[path] = nil
        }
    }
}
