// SPDX-License-Identifier: Apache-2.0

/// How far a stream is stored that is written in several recordings, one behind the other: all up to a segment is stored
/// when that recording lists it and those before are whole.
package struct StoredProgress {
    private var recordings: [(number: Int, stored: UInt64?)] = []
    private var told: UInt64?
    private var next = 0

    /// Nothing is written yet.
    package init() {}

    /// Whether all recordings are whole.
    package var isEmpty: Bool { recordings.isEmpty }

    /// Another recording begins behind the others; its number.
    package mutating func begin() -> Int {
        defer { next += 1 }
        recordings.append((next, nil))
        return next
    }

    /// A recording lists all up to `msn`.
    /// - Returns: the segment up to which all is stored, where that is news.
    package mutating func list(_ msn: UInt64, in recording: Int) -> UInt64? {
        guard let index = recordings.firstIndex(where: { $0.number == recording }) else { return nil }
        recordings[index].stored = max(recordings[index].stored ?? msn, msn)
        return index == 0 ? news(msn) : nil
    }

    /// A recording is whole.
    /// - Returns: the segment up to which all is stored, where that is news.
    package mutating func complete(_ recording: Int) -> UInt64? {
        recordings.removeAll { $0.number == recording }
        return recordings.first?.stored.flatMap { news($0) }
    }

    private mutating func news(_ msn: UInt64) -> UInt64? {
        if let told, msn <= told { return nil }
        told = msn
        return msn
    }
}
