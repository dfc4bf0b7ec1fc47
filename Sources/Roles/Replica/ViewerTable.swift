// SPDX-License-Identifier: Apache-2.0

/// One viewer session on this node.
public struct ViewerSession: Sendable, Hashable {
    /// How it watches.
    public enum Kind: String, Sendable, CaseIterable {
        case flv
        case hls
        case rtmp
        case whep
    }

    /// Says nothing of the viewer's token or address: a hash under a key of this process.
    public let id: UInt64
    /// How it watches.
    public let kind: Kind
    /// When it began, monotonic.
    public let startedAt: Duration
    /// When it last asked for something, monotonic; of no meaning for a connection that holds the stream open.
    public internal(set) var lastSeen: Duration
    /// What it was sent so far, in bytes of media and playlists.
    public internal(set) var bytesSent: Int
}

/// What one viewer was sent in a while.
struct ViewerBytes {
    let viewer: UInt64
    let count: Int
}

/// The viewers of one stream, counted without their help: whoever asked within the last few target durations, or holds
/// a connection open, is watching.
///
/// A viewer of playlists is known by its session where it has a token, else by its address and its player's name, so
/// two players of one kind behind one address count as one. At most 64 bytes a viewer.
struct ViewerTable: Sendable {
    private(set) var sessions: [UInt64: ViewerSession] = [:]
    private var nextSweep = Duration.zero

    var count: Int { sessions.count }

    func contains(_ id: UInt64) -> Bool { sessions[id] != nil }

    /// Notes that `id` asked for something and was sent `bytes`. Returns whether it is new.
    mutating func note(_ id: UInt64, _ kind: ViewerSession.Kind, bytes: Int, now: Duration) -> Bool {
        if let index = sessions.index(forKey: id) {
            sessions.values[index].lastSeen = now
            sessions.values[index].bytesSent &+= bytes
            return false
        }
        sessions[id] = ViewerSession(id: id, kind: kind, startedAt: now, lastSeen: now, bytesSent: bytes)
        return true
    }

    /// Notes what a viewer was sent.
    mutating func add(_ bytes: Int, to id: UInt64) {
        guard let index = sessions.index(forKey: id) else { return }
        sessions.values[index].bytesSent &+= bytes
    }

    /// A connection has closed. Returns whether it was known.
    mutating func remove(_ id: UInt64) -> Bool { sessions.removeValue(forKey: id) != nil }

    /// Forgets all. Returns how many there were.
    mutating func removeAll() -> Int {
        defer { sessions = [:] }
        return sessions.count
    }

    /// Forgets viewers of playlists who asked for nothing for `life`; works at most once a second. Returns how many.
    mutating func sweep(now: Duration, life: Duration) -> Int {
        guard now >= nextSweep else { return 0 }
        nextSweep = now + .seconds(1)
        let before = sessions.count
        sessions = sessions.filter { $0.value.kind != .hls || $0.value.lastSeen + life >= now }
        return before - sessions.count
    }
}
