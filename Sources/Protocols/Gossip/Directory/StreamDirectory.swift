// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// The streams of the whole cluster. Wherever two entries of a stream meet, the one of the higher term stays, then that
/// of the higher version, so all nodes that heard the same hold the same, in whatever order they heard it.
///
/// An entry that says `ended` is kept for 60 s, so that an older one which still travels does not bring the stream back;
/// then both are forgotten. A part of the cluster that was cut off for longer than that can bring it back: its gateway,
/// or for a gateway long gone the region's first ambassador, ends it again.
public struct StreamDirectory: Sendable {
    /// The newest entry of each stream.
    public private(set) var entries: [StreamID: StreamEntry] = [:]
    /// A hash of all entries that are not of ended streams: equal directories have equal ones.
    public private(set) var digest: UInt64 = 0
    /// Ended streams by the time at which they are forgotten, the earliest first.
    private var endings: [(stream: StreamID, term: Term, time: Duration)] = []

    /// An empty directory.
    public init() {}

    /// When `expire` is due.
    public var nextDeadline: Duration { endings.first?.time ?? .never }

    /// Whether no more streams are taken in: what all nodes know must fit one message (20 MiB at 1000 bytes an entry).
    public var isFull: Bool { entries.count >= Self.capacity }

    /// Takes an entry that is newer than what is known; whether it was. A stream that is not known is left out while the
    /// directory is full.
    public mutating func merge(_ entry: StreamEntry, now: Duration) -> Bool {
        let known = entries[entry.stream]
        if let known {
            guard entry.overrides(known) else { return false }
            digest &-= Self.digest(of: known)
        } else if isFull {
            return false
        }
        entries[entry.stream] = entry
        digest &+= Self.digest(of: entry)
        if entry.state == .ended { endings.append((entry.stream, entry.term, now + Self.memory)) }
        return true
    }

    /// Forgets streams that ended long ago.
    public mutating func expire(now: Duration) {
        let due = endings.prefix { $0.time <= now }
        for ending in due {
            guard let entry = entries[ending.stream], entry.term == ending.term, entry.state == .ended else { continue }
            entries[ending.stream] = nil
        }
        endings.removeFirst(due.count)
    }

    /// All entries by name, so that equal directories are told in equal order.
    var sorted: [StreamEntry] { entries.values.sorted { $0.stream < $1.stream } }

    private static func digest(of entry: StreamEntry) -> UInt64 {
        guard entry.state != .ended else { return 0 }
        let name = Mixing.number(of: entry.stream.description)
        let term = Mixing.finish(entry.term.number ^ UInt64(entry.term.salt) << 32)
        return Mixing.finish(name ^ term ^ Mixing.finish(UInt64(entry.version)))
    }

    /// Streams of the whole cluster, ended ones of the last minute among them.
    static let capacity = 16_384
    /// How long an ended stream is remembered.
    private static let memory: Duration = .seconds(60)
}
