// SPDX-License-Identifier: Apache-2.0

import Identity
import Objects

/// The parts of a stream's segments: those that wait for the store, and those in it until nobody asks for them any more.
///
/// A part is worth nothing late. It is uploaded where segments leave room, tried again only while players at the live edge
/// may ask for it, and let go when its segment is stored, or when memory is full. So what waits is never more than came
/// within ``UploadSettings/partLifetime``, most of which the live window holds as well.
struct PartLane {
    /// Those that are not stored, in the order in which they were offered.
    private var held: [Held] = []
    /// Those that are in the store, or may be, the oldest first.
    private var stored: [Stored] = []
    private var removalFailures = 0
    /// When something is removed again, after a failure.
    private var removalRetryAt: Duration?
    /// Whether the stream is over: what waits is of no use, and what is stored is removed when it would have been.
    private var isOver = false

    private struct Held {
        let id: UploadID
        /// What it takes of the limits.
        let cost: Int
        /// When it is of no use any more.
        var expiry: Duration
        var isUploading = false
        var failures = 0
        var retryAt: Duration?

        func isReady(now: Duration) -> Bool { !isUploading && (retryAt ?? now) <= now }
    }

    private struct Stored {
        let id: UploadID
        /// When it is removed.
        let due: Duration
        var isLeaving = false

        /// When it is left where it is.
        var end: Duration { due + PartLane.longestRemoval }
    }

    /// How many are on their way.
    var uploading: Int { held.count { $0.isUploading } }

    /// What those that are not stored take of memory.
    var inMemory: Int { held.reduce(0) { $0 + $1.cost } }

    /// Whether nothing is left of any part.
    var isEmpty: Bool { held.isEmpty && stored.isEmpty }

    /// When something is to be done, if that is a matter of time.
    /// - Parameter mayUpload: whether there is room for an upload.
    func deadline(mayUpload: Bool) -> Duration? {
        let waiting = held.compactMap { part -> Duration? in
            guard !part.isUploading else { return nil }
            return mayUpload ? min(part.expiry, part.retryAt ?? part.expiry) : part.expiry
        }
        return (waiting + [removalDeadline, stored.first?.end].compactMap { $0 }).min()
    }

    /// A part is to be uploaded, if that is done until `expiry`.
    mutating func offer(_ id: UploadID, size: Int, until expiry: Duration) {
        held.append(Held(id: id, cost: HeldUpload.cost(of: size), expiry: expiry))
    }

    /// A segment is stored: its parts are of no use any more.
    mutating func settle(_ rendition: RenditionName, _ msn: UInt64, now: Duration) {
        for index in held.indices {
            if case .part(rendition, msn, _) = held[index].id { held[index].expiry = min(held[index].expiry, now) }
        }
    }

    /// A part is stored, and stays until `due`.
    mutating func uploaded(_ id: UploadID, until due: Duration) {
        guard let index = held.firstIndex(where: { $0.id == id }) else { return }
        held.remove(at: index)
        stored.append(Stored(id: id, due: due))
    }

    /// An upload failed, and is tried again while it is of use.
    mutating func failed(
        _ id: UploadID, asked: Duration?, _ schedule: RetrySchedule, now: Duration,
        using random: inout some RandomNumberGenerator
    ) {
        guard let index = held.firstIndex(where: { $0.id == id }) else { return }
        held[index].isUploading = false
        held[index].failures += 1
        let retryAt = now + schedule.delay(after: held[index].failures, asked: asked, using: &random)
        held[index].retryAt = retryAt
        if retryAt >= held[index].expiry { held[index].expiry = now }
    }

    /// A part is not in the store any more; false where it was given up before.
    mutating func removed(_ id: UploadID) -> Bool {
        (removalFailures, removalRetryAt) = (0, nil)
        guard let index = stored.firstIndex(where: { $0.id == id }) else { return false }
        stored.remove(at: index)
        return true
    }

    /// A part could not be removed. A store that fails is left alone with all others for a while.
    mutating func removalFailed(
        _ id: UploadID, _ schedule: RetrySchedule, now: Duration, using random: inout some RandomNumberGenerator
    ) {
        guard let index = stored.firstIndex(where: { $0.id == id }) else { return }
        stored[index].isLeaving = false
        removalFailures += 1
        removalRetryAt = now + schedule.delay(after: removalFailures, using: &random)
    }

    /// The stream is over, or its recording: what waits is of no use, and what is stored is still asked for until it is due.
    mutating func conclude() { isOver = true }

    /// Somebody else has the stream.
    mutating func stop() -> [UploadQueue.Directive] {
        let waiting = held.filter { !$0.isUploading }.map { UploadQueue.Directive.release($0.id) }
        let leaving = stored.filter { !$0.isLeaving }
            .flatMap { [UploadQueue.Directive.remove($0.id), .release($0.id)] }
        (held, stored) = ([], [])
        return waiting + leaving
    }
}

// MARK: - Deciding

extension PartLane {
    /// Lets go what is of no use any more. What was tried may be in the store for all that is known, and is removed later.
    /// - Parameter isFull: whether there is no memory for what waits.
    mutating func expire(
        now: Duration, isFull: Bool, keepingDoubtfulUntil due: Duration
    ) -> [UploadQueue.Directive] {
        var directives: [UploadQueue.Directive] = []
        var left: [Held] = []
        for part in held {
            guard !part.isUploading, isOver || isFull || part.expiry <= now else {
                left.append(part)
                continue
            }
            directives.append(.drop(part.id))
            if part.failures > 0 {
                stored.append(Stored(id: part.id, due: due))
            } else {
                directives.append(.release(part.id))
            }
        }
        held = left
        return directives + giveUp(now: now)
    }

    /// Begins uploads, the oldest first.
    mutating func begin(atMost count: Int, now: Duration) -> [UploadQueue.Directive] {
        var begun: [UploadQueue.Directive] = []
        for index in held.indices where begun.count < count && held[index].isReady(now: now) {
            held[index].isUploading = true
            begun.append(.upload(held[index].id))
        }
        return begun
    }

    /// Begins to remove what is due.
    mutating func beginRemovals(now: Duration) -> [UploadQueue.Directive] {
        guard (removalRetryAt ?? now) <= now else { return [] }
        let free = Self.removedAtOnce - leaving
        var begun: [UploadQueue.Directive] = []
        for index in stored.indices where begun.count < free && !stored[index].isLeaving {
            guard stored[index].due <= now else { break }
            stored[index].isLeaving = true
            begun.append(.remove(stored[index].id))
        }
        return begun
    }

    /// Leaves in the store what could not be removed for long, the oldest first. It goes with the recording.
    private mutating func giveUp(now: Duration) -> [UploadQueue.Directive] {
        let count = stored.prefix { $0.end <= now }.count
        let given = stored.prefix(count).map { UploadQueue.Directive.release($0.id) }
        stored.removeFirst(count)
        return given
    }

    private var leaving: Int { stored.count { $0.isLeaving } }

    private var removalDeadline: Duration? {
        guard leaving < Self.removedAtOnce, let next = stored.first(where: { !$0.isLeaving }) else { return nil }
        return max(next.due, removalRetryAt ?? next.due)
    }

    /// As many as whoever deletes a recording removes at once.
    private static let removedAtOnce = 16
    /// For how long a part is removed again and again behind its time: more are only remembered where the store is away for
    /// longer, or lets nobody delete.
    private static let longestRemoval: Duration = .seconds(300)
}
