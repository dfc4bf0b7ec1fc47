// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity

/// What every event ends with: gaps, then room, then what is due.
extension UploadQueue {
    mutating func decided(now: Duration) -> [Directive] {
        guard !isDone else { return [] }
        var directives: [Directive] = []
        giveUp(now: now, into: &directives)
        makeRoom(now: now, into: &directives)
        beginUploads(now: now, into: &directives)
        beginPlaylists(now: now, into: &directives)
        tendParts(now: now, into: &directives)
        tell(now: now, into: &directives)
        return directives
    }

    /// Takes an upload in.
    mutating func hold(_ upload: HeldUpload, now: Duration) {
        beginWork(now: now)
        inMemory += upload.cost
        held.append(upload)
    }

    /// Lets the bytes of an upload go.
    mutating func release(at index: Int) -> [Directive] {
        let upload = held.remove(at: index)
        if upload.place == .disk {
            onDisk -= upload.cost
            diskRefused = nil
        } else {
            inMemory -= upload.cost
        }
        return [.release(upload.id)]
    }

    /// Work comes to a queue that had none: nobody waited until now.
    mutating func beginWork(now: Duration) {
        if isIdle { lastProgress = now }
    }

    /// Something came through to the players.
    mutating func advance(now: Duration, into directives: inout [Directive]) {
        lastProgress = now
        guard isTroubled else { return }
        isTroubled = false
        directives.append(.recovered)
    }

    /// Whether nothing waits to be written but parts.
    var isIdle: Bool { held.isEmpty && multivariant.isIdle && renditions.values.allSatisfy(\.isIdle) }

    /// Uploads that may begin beside those on their way.
    var freeSlots: Int { settings.concurrency - held.count { $0.state == .uploading } - parts.uploading }

    /// Parts that may begin: as many as segments leave, and half of all at most, so that the next segment need not wait.
    var freePartSlots: Int { min(freeSlots, max(1, settings.concurrency / 2) - parts.uploading) }

    /// A part is in the store.
    mutating func stored(part id: UploadID, now: Duration) -> [Directive] {
        guard !isDone else { return [.remove(id), .release(id)] }
        parts.uploaded(id, until: now + settings.partRetention)
        return decided(now: now)
    }

    /// A segment is settled without being stored.
    mutating func settle(_ name: RenditionName, _ msn: UInt64) { want(name, if: renditions[name]?.finish(msn)) }

    mutating func want(_ name: RenditionName, if more: Bool?) {
        if more == true { renditions[name]?.playlist.want() }
    }

    /// When a segment that holds up others is given up, for each rendition that has such a one.
    var gapDeadlines: [Duration] {
        heads.compactMap { held[$0].overtaken.map { $0 + settings.patience } }
    }

    /// A segment is stored: those before it that are not have held up the playlist from now on. After an outage all are old
    /// and none is late.
    mutating func overtake(_ name: RenditionName, by msn: UInt64, now: Duration) {
        for index in held.indices where held[index].overtaken == nil {
            if case .segment(name, let older) = held[index].id, older < msn { held[index].overtaken = now }
        }
    }

    /// The segments that hold up later ones that are stored.
    private var heads: [Int] {
        renditions.compactMap { name, progress in
            guard let head = progress.head, let newest = progress.newestStored, newest > head else { return nil }
            return held.firstIndex { $0.id == .segment(name, head) }
        }
    }

    /// Goes on without segments whose time is over. The store is not to blame, as it took later ones. What is listed as a
    /// gap stays one, so nobody needs their bytes any more.
    private mutating func giveUp(now: Duration, into directives: inout [Directive]) {
        while let index = heads.first(where: { held[$0].overtaken.map { $0 + settings.patience <= now } ?? false }) {
            directives += drop(at: index, isLost: false)
        }
    }

    /// Brings the newest to the disk, which are uploaded last, and where it does not take them loses the oldest.
    private mutating func makeRoom(now: Duration, into directives: inout [Directive]) {
        let diskTakes = diskRefused.map { $0 + Self.diskPause <= now } ?? true
        var moving = held.reduce(0) { $0 + ($1.place == .moving ? $1.cost : 0) }
        while inMemory - moving > settings.memoryLimit.bytes {
            let index = held.lastIndex { $0.place == .memory && $0.state != .uploading && $0.isSegment }
            guard let index else { return }
            if diskTakes, onDisk + moving + held[index].cost <= settings.diskLimit.bytes {
                held[index].place = .moving
                moving += held[index].cost
                directives.append(.spill(held[index].id))
            } else if !lose(onlyFromMemory: !diskTakes, into: &directives) {
                return
            }
        }
    }

    /// Loses the oldest segment that nobody is busy with. What is on a disk that takes no more makes no room in memory.
    private mutating func lose(onlyFromMemory: Bool, into directives: inout [Directive]) -> Bool {
        func isFree(_ upload: HeldUpload) -> Bool {
            upload.isSegment && upload.state != .uploading && upload.place != .moving
                && (upload.place == .memory || !onlyFromMemory)
        }
        guard let index = held.firstIndex(where: isFree) else { return false }
        directives += drop(at: index)
        return true
    }

    /// A segment is given up: its playlist goes on without it. It is lost where that is not the store's doing.
    mutating func drop(at index: Int, isLost: Bool = true) -> [Directive] {
        guard case .segment(let name, let msn) = held[index].id else { return [] }
        settle(name, msn)
        return [.gap(name, msn)] + (isLost ? [.lost(name, msn)] : []) + release(at: index)
    }

    /// Init sections first, then segments in the order of the stream.
    private mutating func beginUploads(now: Duration, into directives: inout [Directive]) {
        var free = freeSlots
        while free > 0 {
            let ready = { (upload: HeldUpload) in upload.isReady(now: now) }
            let index = held.firstIndex { !$0.isSegment && ready($0) } ?? held.firstIndex(where: ready)
            guard let index else { return }
            held[index].state = .uploading
            free -= 1
            directives.append(.upload(held[index].id))
        }
    }

    private mutating func beginPlaylists(now: Duration, into directives: inout [Directive]) {
        for name in renditions.keys.sorted() {
            guard let progress = renditions[name], progress.playlist.isDue(now: now), let settled = progress.settled
            else { continue }
            renditions[name]?.beginPlaylist()
            directives.append(
                .writePlaylist(name, through: settled, isLast: isFinishing && progress.head == nil))
        }
        guard multivariant.isDue(now: now) else { return }
        multivariant.begin()
        directives.append(.writeMultivariant)
    }

    /// Parts come behind all else: those that wait are the first to go where memory is full.
    private mutating func tendParts(now: Duration, into directives: inout [Directive]) {
        if isFinishing, isIdle { parts.conclude() }
        let isFull = inMemory + parts.inMemory > settings.memoryLimit.bytes
        directives += parts.expire(now: now, isFull: isFull, keepingDoubtfulUntil: now + settings.partRetention)
        directives += parts.begin(atMost: freePartSlots, now: now)
        directives += parts.beginRemovals(now: now)
    }

    private mutating func tell(now: Duration, into directives: inout [Directive]) {
        let listed = renditions.values.map(\.listed)
        if let least = listed.compactMap({ $0 }).min(), !listed.contains(nil), told.map({ $0 < least }) ?? true {
            told = least
            directives.append(.stored(least))
            advance(now: now, into: &directives)
        }
        let isIdle = isIdle
        if isIdle { advance(now: now, into: &directives) }
        if !isTroubled, lastProgress + settings.alertAfter <= now {
            isTroubled = true
            directives.append(.troubled)
        }
        guard isFinishing, isIdle else { return }
        isDone = parts.isEmpty
        if !isWhole { directives.append(.done) }
        isWhole = true
    }

    /// How long a disk that refused is left alone.
    private static let diskPause: Duration = .seconds(10)
}

extension RenditionProgress {
    /// Whether nothing is left to be written; a rendition that never had a segment has no playlist.
    fileprivate var isIdle: Bool { playlist.isIdle || settled == nil }
}
