// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
public import Media
import NIOCore

/// What a viewer of whole records is: FLV over HTTP, RTMP play, or all viewers over RTP of one thread. Confined to one
/// event loop, or another thread.
public protocol RecordSink: AnyObject {
    /// Whether more would only pile up in memory.
    var isWritable: Bool { get }
    /// What follows is of this term: first of all, and again where the feed goes on in another.
    func begin(_ term: Term)
    /// The tracks from here on: behind the first term, and again where they change.
    func write(_ tracks: [Track])
    /// A unit, in decode order; the first picture after a start or a skip is a random access point.
    func write(_ unit: AccessUnit)
    /// All written so far may go out now.
    func flush()
    /// The stream has ended, or was lost to a viewer too slow to follow even by skipping.
    func finish()
}

extension RecordSink {
    /// Terms are nothing to a sink whose times only go forward as they come.
    public func begin(_ term: Term) {}
}

/// One viewer's place in a stream's log. Nothing is queued for a viewer: the log is the queue.
///
/// A viewer that falls more than `maximumLag` behind loses whole groups of pictures: it goes on at the newest random
/// access point. One that takes nothing for `stallLimit` is let go.
public final class FeedSubscription {
    /// What it reads.
    public let replica: StreamReplica
    private let mailbox: LoopMailbox
    private let viewer: UInt64
    private weak let sink: (any RecordSink)?
    private let settings: PlaySettings
    private var next: UInt64?
    private var sent: Parameters?
    private var waitsForEntry = true
    private var term: Term?
    private var timeline = ViewerTimeline()
    private var best = BestLayer()
    /// The tracks of it that the sink has.
    private var announced: [Track] = []
    private var stalledSince: NIODeadline?
    private var isOver = false
    private var isPumping = false
    /// Whether `pump` was called since the sink was last looked at.
    private var isWanted = false
    private var batch: [FeedRecord] = []
    /// Bytes sent that the replica does not know of yet.
    private var untold = 0

    /// A subscription that begins at the newest random access point. Call `pump` to begin, and whenever `mailbox` delivers
    /// the replica.
    /// - Parameters:
    ///   - viewer: what the replica knows the viewer by.
    ///   - sink: is not kept alive by this.
    public init(
        replica: StreamReplica, mailbox: LoopMailbox, viewer: UInt64, sink: any RecordSink, settings: PlaySettings
    ) {
        self.replica = replica
        self.viewer = viewer
        self.mailbox = mailbox
        self.sink = sink
        self.settings = settings
    }

    /// How many groups of pictures this viewer has lost.
    public private(set) var skips = 0

    /// Writes what the sink takes. Call on the sink's loop: at the start, and when it is writable again. A call from
    /// within a sink's own method, as channels make it while they are flushed, is made up for when that has returned.
    public func pump() {
        isWanted = true
        guard !isPumping else { return }
        isPumping = true
        while isWanted, !isOver, let sink {
            isWanted = false
            advance(sink)
        }
        isPumping = false
    }

    /// Notes that the viewer was sent so many bytes; the replica, whose lock is for all viewers, is told once a second.
    public func sent(_ bytes: Int) { untold += bytes }

    /// What was sent since the last call.
    func takeSent() -> ViewerBytes? {
        guard untold > 0 else { return nil }
        defer { untold = 0 }
        return ViewerBytes(viewer: viewer, count: untold)
    }

    /// Nothing more is written.
    public func close() { isOver = true }

    /// Writes until the sink is full, or has all there is.
    private func advance(_ sink: any RecordSink) {
        let now = NIODeadline.now()
        while sink.isWritable, !isOver {
            stalledSince = nil
            batch.removeAll(keepingCapacity: true)
            switch replica.read(from: next, maximumLag: settings.maximumLag, into: &batch, wake: mailbox) {
            case .records(let first, let skipped, let parameters, let isLevel, let term):
                begin(term, sink)
                enter(at: first, skipped: skipped, parameters: parameters, sink)
                guard writeBatch(from: first, sink) else { return finish(sink) }
                if isLevel, sink.isWritable, next == first + UInt64(batch.count) { return sink.flush() }
            case .level: return sink.flush()
            case .over: return finish(sink)
            }
        }
        guard !isOver else { return }
        sink.flush()
        let since = stalledSince ?? now
        stalledSince = since
        if now - since > TimeAmount(settings.stallLimit) { finish(sink) }
    }

    /// Writes of the batch what the sink takes. Returns whether more may follow.
    private func writeBatch(from first: UInt64, _ sink: any RecordSink) -> Bool {
        for (number, record) in zip(first..., batch) {
            guard sink.isWritable, !isOver else { break }
            next = number + 1
            guard write(record, sink) else { return false }
        }
        return true
    }

    /// Whether the sink was full when last seen.
    var isStalled: Bool { stalledSince != nil }

    private func finish(_ sink: any RecordSink) {
        guard !isOver else { return }
        isOver = true
        sink.flush()
        sink.finish()
    }

    private func begin(_ term: Term, _ sink: any RecordSink) {
        guard term != self.term else { return }
        self.term = term
        timeline.enter(term)
        sink.begin(term)
    }

    private func enter(at first: UInt64, skipped: Bool, parameters: Parameters?, _ sink: any RecordSink) {
        if skipped || next == nil {
            if next != nil { skips += 1 }
            waitsForEntry = true
            best.restart()
        }
        next = first
        if let parameters { write(parameters, sink) }
    }

    /// Whether more may follow.
    private func write(_ record: FeedRecord, _ sink: any RecordSink) -> Bool {
        switch record {
        case .accessUnit(let unit): write(unit, sink)
        case .end: return false
        case .parameters(let parameters): write(parameters, sink)
        case .segmentStart(let start):
            if !waitsForEntry { replica.metrics.passed(.played, since: start.programDateTime) }
        case .gap, .partEnd, .stored: break
        }
        return true
    }

    private func write(_ parameters: Parameters, _ sink: any RecordSink) {
        guard parameters != sent else { return }
        sent = parameters
        guard !settings.wantsLayers else { return sink.write(parameters.tracks) }
        best.change(parameters.tracks)
        announce(sink)
    }

    /// Writes the tracks of the best layer, where the sink does not have them already.
    private func announce(_ sink: any RecordSink) {
        guard best.tracks != announced else { return }
        announced = best.tracks
        sink.write(best.tracks)
    }

    private func write(_ unit: AccessUnit, _ sink: any RecordSink) {
        guard let sent, let track = sent.tracks.first(where: { $0.id == unit.track }) else { return }
        if waitsForEntry {
            guard unit.isRandomAccess, track.id == sent.leadingTrack?.id else { return }
            waitsForEntry = false
        }
        guard !settings.wantsLayers else { return put(unit, sink) }
        switch best.take(unit) {
        case .passedOver: return
        case .sent(let unit): put(unit, sink)
        case .switched(let unit):
            announce(sink)
            put(unit, sink)
        }
    }

    private func put(_ unit: AccessUnit, _ sink: any RecordSink) {
        sink.write(settings.movesTimes ? timeline.placed(unit) : unit)
    }
}

/// How viewers of FLV and RTMP are served.
public struct PlaySettings: Sendable {
    /// How far behind the newest unit a viewer may be before it loses groups of pictures, in media time.
    public var maximumLag: Duration = .seconds(2)
    /// How long a viewer may take nothing at all before it is let go.
    public var stallLimit: Duration = .seconds(10)
    /// Whether units of a newer term are shown later than they say, so that times only go forward; a sink without it sees
    /// them as the feed says, and minds the terms itself.
    public var movesTimes = true
    /// Whether the sink takes all layers of a stream, and chooses among them itself; else it gets the best that is there.
    public var wantsLayers = false

    /// The defaults.
    public init() {}
}
