// SPDX-License-Identifier: Apache-2.0

public import Identity
import Objects

/// What of a stream is written to the object store next.
///
/// Three promises. A playlist never lists a segment that is not stored, nor one whose init section is not, and the
/// multivariant playlist comes after the media playlists. What waits is bounded: in memory, then on the disk, then the
/// oldest is lost. And one segment that can not be stored does not hold up the others for longer than
/// ``UploadSettings/patience``: the playlist goes on with a gap, which stays, as a playlist that was published is only
/// added to (RFC 8216 §6.2.1).
///
/// Parts are beside all that: no playlist in the store names them, so none is missed. See ``PartLane``.
///
/// A queue belongs to one stream and one term. It knows sizes and numbers; bytes are held by who obeys it, who feeds it one
/// event, obeys all directives in order, and only then feeds the next. After ``finish(now:)`` it says ``Directive/done``, and
/// removes behind that the parts that players may have asked for until then.
public struct UploadQueue: ~Copyable {
    let settings: UploadSettings
    var renditions: [RenditionName: RenditionProgress]
    /// In the order in which they were offered.
    var held: [HeldUpload] = []
    var parts = PartLane()
    var multivariant = DocumentLane()
    /// Whether media playlists may have other names than the multivariant playlist in the store says.
    private var isRenamed = false
    var inMemory = 0
    var onDisk = 0
    /// When the disk refused the last time, if nothing on it was released since.
    var diskRefused: Duration?
    /// What the feed was told to be stored.
    var told: UInt64?
    /// The last moment at which the playlists came further, or at which there was nothing to do.
    var lastProgress: Duration = .zero
    var isTroubled = false
    var isFinishing = false
    /// Whether ``Directive/done`` was said: parts are still removed.
    var isWhole = false
    var isDone = false

    /// A queue for the renditions of a stream, all of which share its segments' numbers.
    /// - Parameter stored: the last segment that a predecessor's playlists list; those up to it are not taken again.
    public init(renditions: [RenditionName], after stored: UInt64? = nil, settings: UploadSettings = UploadSettings()) {
        precondition(!renditions.isEmpty && settings.concurrency > 0, "a queue that can do nothing")
        self.settings = settings
        self.renditions = Dictionary(uniqueKeysWithValues: renditions.map { ($0, RenditionProgress(after: stored)) })
        told = stored
    }

    /// When ``tick(now:)`` is due, if that is a matter of time.
    public var nextDeadline: Duration? {
        guard !isDone else { return nil }
        let uploads = freeSlots > 0 ? held.compactMap(\.deadline) : []
        let playlists = renditions.values.compactMap(\.playlist.deadline)
        let alert = isIdle || isTroubled ? nil : lastProgress + settings.alertAfter
        let others = [multivariant.deadline, alert, parts.deadline(mayUpload: freePartSlots > 0)].compactMap { $0 }
        return (uploads + playlists + gapDeadlines + others).min()
    }

    /// An init section is there to be uploaded.
    public mutating func offer(initSection number: UInt32, of rendition: RenditionName, size: Int, now: Duration)
        -> [Directive]
    {
        hold(HeldUpload(.initSection(rendition, number), size: size, parameters: number), now: now)
        return decided(now: now)
    }

    /// A segment is there to be uploaded: the one after the last that was offered of its rendition.
    public mutating func offer(_ segment: SegmentUpload, now: Duration) -> [Directive] {
        let id = UploadID.segment(segment.rendition, segment.msn)
        guard renditions[segment.rendition]?.offer(segment.msn) == true else { return [.release(id)] }
        hold(HeldUpload(id, size: segment.size, parameters: segment.parameters), now: now)
        return decided(now: now)
    }

    /// A part is there to be uploaded: of the segment that is not whole yet, or is not stored. It is dropped where memory is
    /// full.
    public mutating func offer(
        part: Int, of msn: UInt64, in rendition: RenditionName, size: Int, now: Duration
    ) -> [Directive] {
        let id = UploadID.part(rendition, msn, part)
        guard !isDone, !isFinishing, let progress = renditions[rendition], progress.settled.map({ $0 < msn }) ?? true
        else { return [.release(id)] }
        parts.offer(id, size: size, until: now + settings.partLifetime)
        return decided(now: now)
    }

    /// Nobody holds that segment, in no rendition, or not in one of them: the feed has a gap there.
    public mutating func skip(_ msn: UInt64, of rendition: RenditionName? = nil, now: Duration) -> [Directive] {
        var directives: [Directive] = []
        beginWork(now: now)
        for name in rendition.map({ [$0] }) ?? renditions.keys.sorted() where renditions[name]?.offer(msn) == true {
            directives.append(.gap(name, msn))
            settle(name, msn)
        }
        return directives + decided(now: now)
    }

    /// An upload succeeded, or what it was to write was there already.
    public mutating func uploaded(_ id: UploadID, now: Duration) -> [Directive] {
        if id.isPart { return stored(part: id, now: now) }
        guard let index = held.firstIndex(where: { $0.id == id }) else { return decided(now: now) }
        let upload = held[index]
        let directives = release(at: index)
        switch id {
        case .initSection(let name, let number): want(name, if: renditions[name]?.store(parameters: number))
        case .segment(let name, let msn):
            overtake(name, by: msn, now: now)
            parts.settle(name, msn, now: now)
            want(name, if: renditions[name]?.store(msn, parameters: upload.parameters))
        case .part: break
        }
        return directives + decided(now: now)
    }

    /// An upload failed and is tried again later; `asked` is the wait that the store asks for.
    public mutating func failed(
        _ id: UploadID, asked: Duration? = nil, now: Duration, using random: inout some RandomNumberGenerator
    ) -> [Directive] {
        if id.isPart {
            // It may be there all the same.
            guard !isDone else { return [.remove(id), .release(id)] }
            parts.failed(id, asked: asked, settings.retry, now: now, using: &random)
        } else if let index = held.firstIndex(where: { $0.id == id }) {
            held[index].failures += 1
            let wait = settings.retry.delay(after: held[index].failures, asked: asked, using: &random)
            held[index].state = .waiting(until: now + wait)
        }
        return decided(now: now)
    }

    /// A part is not in the store any more.
    public mutating func removed(_ id: UploadID, now: Duration) -> [Directive] {
        guard parts.removed(id) else { return decided(now: now) }
        return [.release(id)] + decided(now: now)
    }

    /// A part could not be removed from the store, which is tried again later.
    public mutating func removalFailed(
        _ id: UploadID, now: Duration, using random: inout some RandomNumberGenerator
    ) -> [Directive] {
        parts.removalFailed(id, settings.retry, now: now, using: &random)
        return decided(now: now)
    }

    /// The bytes of a segment are not on the disk any more: nobody can store them.
    public mutating func vanished(_ id: UploadID, now: Duration) -> [Directive] {
        guard let index = held.firstIndex(where: { $0.id == id && $0.isSegment }) else { return decided(now: now) }
        return drop(at: index) + decided(now: now)
    }

    /// A playlist is stored.
    /// - Parameter isEmpty: whether there was nothing left that it could list, so that it has no name as yet.
    public mutating func stored(_ playlist: UploadedPlaylist, isEmpty: Bool = false, now: Duration) -> [Directive] {
        switch playlist {
        case .multivariant: multivariant.succeed()
        case .media(let name):
            renditions[name]?.storePlaylist(isEmpty: isEmpty)
            isRenamed = isRenamed || isEmpty
            if renditions.values.allSatisfy(\.playlist.isReady), multivariant.isNew || isRenamed {
                multivariant.want()
                isRenamed = false
            }
        }
        return decided(now: now)
    }

    /// A playlist could not be stored, and is tried again later.
    /// - Parameter isRenamed: whether all may have other names then: the multivariant playlist is to say them, once each media
    ///   playlist was written anew.
    public mutating func failed(
        _ playlist: UploadedPlaylist, asked: Duration? = nil, isRenamed: Bool = false, now: Duration,
        using random: inout some RandomNumberGenerator
    ) -> [Directive] {
        if isRenamed {
            self.isRenamed = true
            for name in renditions.keys { renditions[name]?.playlist.rename() }
        }
        switch playlist {
        case .multivariant: multivariant.fail(asked: asked, settings.retry, now: now, using: &random)
        case .media(let name):
            renditions[name]?.playlist.fail(asked: asked, settings.retry, now: now, using: &random)
        }
        return decided(now: now)
    }

    /// Somebody else has the stream: nothing more is written, and parts that were are removed, if the store takes it at
    /// once. What is done stays done.
    public mutating func stop() -> [Directive] {
        guard !isDone else { return [] }
        isDone = true
        let held = self.held
        self.held = []
        let released: [Directive] = held.map { .release($0.id) }
        return released + parts.stop() + (isWhole ? [] : [.done])
    }

    /// The bytes of an upload are on the disk.
    public mutating func spilled(_ id: UploadID, now: Duration) -> [Directive] {
        if let index = held.firstIndex(where: { $0.id == id && $0.place == .moving }) {
            held[index].place = .disk
            inMemory -= held[index].cost
            onDisk += held[index].cost
        }
        return decided(now: now)
    }

    /// The disk did not take the bytes of an upload; they are still in memory.
    public mutating func spillFailed(_ id: UploadID, now: Duration) -> [Directive] {
        if let index = held.firstIndex(where: { $0.id == id && $0.place == .moving }) { held[index].place = .memory }
        diskRefused = now
        return decided(now: now)
    }

    /// The stream has ended: nothing more is offered, and the playlists become those of a recording.
    public mutating func finish(now: Duration) -> [Directive] {
        guard !isFinishing else { return [] }
        beginWork(now: now)
        isFinishing = true
        for name in renditions.keys { renditions[name]?.playlist.want() }
        return decided(now: now)
    }

    /// Time has come.
    public mutating func tick(now: Duration) -> [Directive] { decided(now: now) }
}

extension UploadQueue {
    /// What is to be done.
    public enum Directive: Hashable, Sendable {
        /// Upload it, from memory or from the disk, under its immutable name.
        case upload(UploadID)
        /// Bring its bytes from memory to the disk.
        case spill(UploadID)
        /// Its bytes are not needed any more, wherever they are, nor is its name.
        case release(UploadID)
        /// A part is of no use any more and is not uploaded: its bytes are let go, and its name is kept until it is released.
        case drop(UploadID)
        /// Delete a part from the store, where it may be.
        case remove(UploadID)
        /// Render and write a media playlist up to a segment; `isLast` if it is whole (EXT-X-ENDLIST).
        case writePlaylist(RenditionName, through: UInt64, isLast: Bool)
        /// Render and write the multivariant playlist.
        case writeMultivariant
        /// The playlist lists the segment as missing (EXT-X-GAP) from now on.
        case gap(RenditionName, UInt64)
        /// A segment is lost for the store: there was no room to hold it any longer.
        case lost(RenditionName, UInt64)
        /// All playlists list all up to that segment: the feed may say so.
        case stored(UInt64)
        /// Playlists have not come further for a while, though they should. Said once, until ``recovered``.
        case troubled
        /// They come further again.
        case recovered
        /// Segments and playlists are whole: nothing is left to do but to remove parts, for which nobody waits. Said once.
        case done
    }
}
