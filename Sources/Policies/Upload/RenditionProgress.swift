// SPDX-License-Identifier: Apache-2.0

/// How far the segments of one rendition are settled: stored, or given up. They are so in order, whatever the order in which
/// their uploads end.
struct RenditionProgress {
    /// The writes of its media playlist.
    var playlist = DocumentLane()
    /// The last of the segments that are settled without a hole before them; what the playlist may list.
    private(set) var settled: UInt64?
    /// What the stored playlist lists.
    private(set) var listed: UInt64?
    /// The newest segment that is stored.
    private(set) var newestStored: UInt64?
    /// The next segment that is expected to be offered.
    private(set) var next: UInt64?
    private var finished: Set<UInt64> = []
    private var storedParameters: Set<UInt32> = []
    private var waiting: [UInt32: [UInt64]] = [:]
    private var isWriting: UInt64?

    /// Goes on behind the last segment that a predecessor listed, if there was one.
    init(after listed: UInt64?) {
        settled = listed
        self.listed = listed
        next = listed.map { $0 + 1 }
    }

    /// The segment that holds up those behind it; nil where none is missing.
    var head: UInt64? {
        guard let next, let first = settled.map({ $0 + 1 }) ?? firstOffered, first < next else { return nil }
        return first
    }

    /// A segment was offered; false for one that was settled before, by this queue or by a predecessor.
    mutating func offer(_ msn: UInt64) -> Bool {
        if let next, msn < next { return false }
        precondition(next == nil || msn == next, "segment \(msn) after \(String(describing: next))")
        if next == nil { firstOffered = msn }
        next = msn + 1
        return true
    }

    /// A segment is stored; true if the playlist may list more by that.
    mutating func store(_ msn: UInt64, parameters: UInt32) -> Bool {
        newestStored = max(newestStored ?? msn, msn)
        guard storedParameters.contains(parameters) else {
            waiting[parameters, default: []].append(msn)
            return false
        }
        return finish(msn)
    }

    /// An init section is stored; true if the playlist may list more by that.
    mutating func store(parameters: UInt32) -> Bool {
        storedParameters.insert(parameters)
        let ready = waiting.removeValue(forKey: parameters) ?? []
        return ready.map { finish($0) }.contains(true)
    }

    /// A segment is given up, or stored; true if the playlist may list more by that.
    mutating func finish(_ msn: UInt64) -> Bool {
        if let settled, msn <= settled { return false }
        finished.insert(msn)
        let before = settled
        while let head, finished.remove(head) != nil { settled = head }
        return settled != before
    }

    /// A write of the playlist begins, with what is settled now.
    mutating func beginPlaylist() {
        playlist.begin()
        isWriting = settled
    }

    /// The write succeeded; `isEmpty` where there was nothing to be written.
    mutating func storePlaylist(isEmpty: Bool) {
        playlist.succeed(isEmpty: isEmpty)
        listed = isWriting
    }

    private var firstOffered: UInt64?
}
