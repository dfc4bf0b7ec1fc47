// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Identity

/// Streams by their names' bytes as they stand in paths: a stream that is asked for again and again is named once. To
/// check a name, letter by letter, costs more than all else that a path takes.
///
/// Bounded: each name has one place, which the newest of those that fall on it takes.
public struct KnownStreams: Sendable {
    private struct Entry {
        let path: [UInt8]
        let stream: StreamID
    }

    private var entries: [Entry?]

    /// Room for so many streams, at least one.
    public init(places: Int = 256) { entries = Array(repeating: nil, count: places) }

    /// The stream of `app/name` in these bytes; nil where it has to be named.
    public func stream(of path: ByteSlice) -> StreamID? {
        guard let entry = entries[place(of: path)], entry.path.elementsEqual(path) else { return nil }
        return entry.stream
    }

    /// Keeps what bytes were found to name.
    public mutating func remember(_ stream: StreamID, as path: ByteSlice) {
        entries[place(of: path)] = Entry(path: Array(path), stream: stream)
    }

    /// FNV-1a: whoever finds names of one place has them named each time, as all were before.
    private func place(of path: ByteSlice) -> Int {
        let hash = path.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return Int(hash % UInt64(entries.count))
    }
}
