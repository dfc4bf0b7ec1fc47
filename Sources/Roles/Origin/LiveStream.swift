// SPDX-License-Identifier: Apache-2.0

public import Access
public import Cluster
public import Feed
public import Identity
public import Media
import NIOCore
public import Replica
import Synchronization
import Transport

/// Hop 5 of a frame's life: a stream at its gateway. It asks the sequencer what each unit becomes and appends that to
/// the feed, which within one process is a direct call to the replica.
///
/// A stream outlives its publisher by the grace: whoever comes back in time goes on in the same term. All calls may
/// come from any thread; they are ordered by a lock that nobody holds for longer than a unit takes.
public final class LiveStream: Sendable {
    /// The stream's name.
    public let id: StreamID
    /// Who may append: the term of this gateway.
    public let term: Term
    /// Where the feed goes.
    public let replica: StreamReplica
    /// When the stream began.
    public let startedAt: WallTime
    let eventLoop: any EventLoop
    private let settings: LiveStreamSettings
    private let publishers: PublisherCount
    private let onChange: @Sendable (LiveStream) -> Void
    private let onEnd: @Sendable (LiveStream, EndReason) -> Void
    private let state: Mutex<State>

    private struct State {
        var sequencer: Sequencer
        var commits: CommitTracker
        var nextNumber: UInt64 = 0
        var presence: Presence
        var generation: UInt64 = 1
        var records: [FeedRecord] = []
        var timer: NIODeadline?
        var lastRandomAccess: NIODeadline = .now()
        var hasVideo = false
        var isStalled = false
        var publisherSince = SystemClock.now()
        var reported = SequencerCounters()
        var metadata: [String: String] = [:]
        var fences: FenceReasons
        /// When a publisher is sent away, for being kept behind a fence for too long.
        var fenceLimit: NIODeadline = .now() + LiveStream.longestFence
        /// The newest committed part when parts were last seen to wait for a holder.
        var stuck: PartPosition??
    }

    /// Who is feeding the stream.
    private enum Presence {
        /// Nobody, until the deadline. Exits: publishing, ended.
        case absent(until: NIODeadline, last: PublisherIdentity)
        /// Nothing will ever come. No exit.
        case ended
        /// A publisher. Exits: publishing (replaced), absent, ended.
        case publishing(PublisherIdentity, any Publisher)
    }

    /// Starts a stream with its first publisher. Its timers run on `eventLoop`. Numbers go on behind `last`, the newest
    /// of an older term that is known, so that they never come again.
    init(
        id: StreamID, term: Term, after last: MediaSequenceNumber?, settings: LiveStreamSettings,
        eventLoop: any EventLoop, replica: StreamReplica, publishers: PublisherCount, identity: PublisherIdentity,
        publisher: any Publisher, onChange: @escaping @Sendable (LiveStream) -> Void,
        onEnd: @escaping @Sendable (LiveStream, EndReason) -> Void
    ) {
        self.id = id
        self.term = term
        self.settings = settings
        self.eventLoop = eventLoop
        self.replica = replica
        self.publishers = publishers
        self.onChange = onChange
        self.onEnd = onEnd
        startedAt = SystemClock.wall()
        let firstMSN = max(MediaSequenceNumber(startedAt.milliseconds.magnitude / 1000), last.map { $0 + 1 } ?? 0)
        let sequencer = Sequencer(settings: settings.sequencer, term: term, firstMSN: firstMSN)
        state = Mutex(
            State(
                sequencer: sequencer, commits: CommitTracker(term: term),
                presence: .publishing(identity, publisher), fences: .term))
    }

    /// The handle of the publisher that the stream was started with.
    var firstPublication: Publication { Publication(stream: self, generation: 1) }

    /// How long the publisher has been there; nil while it is away.
    public var publisherAge: Duration? {
        state.withLock { state in
            if case .publishing = state.presence { SystemClock.now() - state.publisherSince } else { nil }
        }
    }

    /// What the publisher said of itself.
    public var metadata: [String: String] { state.withLock { $0.metadata } }

    /// Who publishes now or did within the grace.
    public var publisher: PublisherIdentity? {
        state.withLock { state in
            switch state.presence {
            case .absent(_, let last): last
            case .ended: nil
            case .publishing(let identity, _): identity
            }
        }
    }

    /// What the stream does, as the directory says it.
    public var presence: StreamState {
        state.withLock { state in
            switch state.presence {
            case .absent: .absent
            case .ended: .ended
            case .publishing: .live
            }
        }
    }

    /// What the sequencer had to mend since the last call.
    public func takeMendings() -> SequencerCounters {
        state.withLock { state in
            defer { state.reported = state.sequencer.counters }
            return state.sequencer.counters.since(state.reported)
        }
    }
}

// MARK: - Publishers come and go

extension LiveStream {
    /// Lets `publisher` feed the stream from now on, in place of an older one or after an absence.
    /// - Returns: nil where the live publisher is another one and stays.
    func open(
        _ identity: PublisherIdentity, _ publisher: any Publisher, takeover: AccessSettings.Takeover
    ) -> Result<Publication, PublishRefusal>? {
        let (result, replaced) = state.withLock { state -> (Result<Publication, PublishRefusal>?, (any Publisher)?) in
            switch state.presence {
            case .ended: return (nil, nil)
            case .absent(_, let last):
                let decision = AccessPolicy.replace(live: last, by: identity, takeover: takeover)
                guard decision != .refuse else { return (.failure(.nameIsLive), nil) }
                guard publishers.enter() else { return (.failure(.tooManyPublishers), nil) }
                state.sequencer.publisherReturned(now: SystemClock.now())
                return (.success(admit(identity, publisher, &state)), nil)
            case .publishing(let live, let older):
                let decision = AccessPolicy.replace(live: live, by: identity, takeover: takeover)
                guard decision != .refuse else { return (.failure(.nameIsLive), nil) }
                state.sequencer.publisherLeft(now: SystemClock.now(), into: &state.records)
                flush(&state)
                state.sequencer.publisherReturned(now: SystemClock.now())
                return (.success(admit(identity, publisher, &state)), older)
            }
        }
        replaced?.cut(CutReason.replaced)
        onChange(self)
        return result
    }

    private func admit(_ identity: PublisherIdentity, _ publisher: any Publisher, _ state: inout State) -> Publication {
        state.generation += 1
        state.presence = .publishing(identity, publisher)
        state.lastRandomAccess = .now()
        state.hasVideo = false
        state.isStalled = false
        state.publisherSince = SystemClock.now()
        replica.publisherIs(absent: false)
        return Publication(stream: self, generation: state.generation)
    }

    /// The publisher of `generation` is gone; the grace begins.
    func leave(_ generation: UInt64) {
        state.withLock { state in
            guard state.generation == generation, case .publishing(let identity, _) = state.presence else { return }
            state.sequencer.publisherLeft(now: SystemClock.now(), into: &state.records)
            flush(&state)
            publishers.leave()
            state.presence = .absent(until: .now() + TimeAmount(settings.grace), last: identity)
            replica.publisherIs(absent: true)
            arm(&state)
        }
        onChange(self)
    }

    /// Ends the stream for good and cuts its publisher.
    func end(_ reason: EndReason) {
        guard let publisher = state.withLock({ close(reason, &$0) }) else { return }
        publisher?.cut(reason == .shutdown ? .shutdown : .stopped)
        onChange(self)
        onEnd(self, reason)
    }

    /// Ends the stream: nil where it had ended before, else its publisher, if there is one.
    private func close(_ reason: EndReason, _ state: inout State) -> (any Publisher)?? {
        if case .ended = state.presence { return nil }
        var publisher: (any Publisher)?
        if case .publishing(_, let live) = state.presence { publisher = live }
        finish(reason, &state)
        return .some(publisher)
    }

    private func finish(_ reason: EndReason, _ state: inout State) {
        if case .publishing = state.presence { publishers.leave() }
        state.presence = .ended
        state.sequencer.end(reason, now: SystemClock.now(), into: &state.records)
        flush(&state)
    }
}

// MARK: - Fences

extension LiveStream {
    /// Whether its term is taken, and nobody is known to have a higher one.
    public var hasTerm: Bool { state.withLock { !$0.fences.contains(.term) } }

    /// Writes nothing from now on, until every reason has gone. What is sequenced meanwhile is kept, for a publisher at
    /// most ten seconds long.
    public func fence(_ reason: FenceReasons) {
        state.withLock { state in
            if state.fences.isEmpty { state.fenceLimit = .now() + Self.longestFence }
            state.fences.formUnion(reason)
        }
    }

    /// A reason has gone; goes on with what has waited where it was the last.
    public func unfence(_ reason: FenceReasons) {
        state.withLock { state in
            state.fences.subtract(reason)
            flush(&state)
        }
    }

    /// Somebody else has the stream: nothing more is written here, not even an end, and the publisher is cut.
    public func yield() {
        let closed = state.withLock { state -> (any Publisher)?? in
            state.fences = .term
            defer { state.records = [] }
            return close(.publisherGone, &state)
        }
        guard let publisher = closed else { return }
        publisher?.cut(.replaced)
        onEnd(self, .publisherGone)
    }

    private static let longestFence: TimeAmount = .seconds(10)
}

// MARK: - Media

extension LiveStream {
    /// Feeds what one message held.
    /// - Returns: false where the publication is over: another publisher came, or the stream ended.
    func publish(_ events: [IngestEvent], _ generation: UInt64) -> Bool {
        let now = SystemClock.now()
        let wall = SystemClock.wall()
        return state.withLock { state in
            guard state.generation == generation, case .publishing = state.presence else { return false }
            guard state.fences.isEmpty || .now() < state.fenceLimit else { return false }
            if state.isStalled {
                state.isStalled = false
                replica.publisherIs(absent: false)
            }
            for event in events {
                switch event {
                case .accessUnit(let unit):
                    if unit.track == .video, unit.isRandomAccess { state.lastRandomAccess = .now() }
                    state.sequencer.append(unit, now: now, wall: wall, into: &state.records)
                case .metadata(let metadata): state.metadata = metadata
                case .parameters(let track, let sets):
                    if track == .video { state.hasVideo = true }
                    state.sequencer.parameters(sets, for: track, now: now, wall: wall, into: &state.records)
                }
            }
            flush(&state)
            arm(&state)
            return true
        }
    }

    /// Hop 6: append, commit, subscribers. Within one process the relay is this call. Without a standby what is
    /// appended is committed.
    private func flush(_ state: inout State) {
        guard !state.records.isEmpty, state.fences.isEmpty else { return }
        for record in state.records {
            if case .partEnd(let mark) = record { _ = state.commits.append(mark.position, number: state.nextNumber) }
            state.nextNumber += 1
        }
        replica.append(state.records, committed: state.commits.committed)
        state.records.removeAll(keepingCapacity: true)
    }

    /// The standby has more of the feed. Whoever waits for its parts to be listed is woken.
    public func holder(_ holder: HolderID, holds position: FeedPosition) {
        state.withLock { state in
            if state.commits.acknowledge(position, by: holder) { list(state) }
        }
    }

    /// A standby has the whole window, up to and with the record at `position`, and is waited for from there on.
    public func holder(_ holder: HolderID, joinsAt position: FeedPosition) {
        state.withLock { state in
            guard position.term == term else { return }
            state.commits.add(holder, countingFrom: position.number &+ 1)
        }
    }

    /// The standby is lost: nobody waits for it any more.
    public func lost(_ holder: HolderID) {
        state.withLock { state in
            if state.commits.remove(holder) { list(state) }
        }
    }

    /// Waits no longer for a standby that said nothing of any part for a second or two, though parts wait for it: what is
    /// not listed helps nobody. Call about once a second.
    /// - Returns: whether a standby was given up.
    public func giveUpSilentHolders() -> Bool {
        state.withLock { state in
            let committed = state.commits.committed?.part
            defer { state.stuck = state.commits.waitingCount > 0 ? .some(committed) : nil }
            guard state.commits.waitingCount > 0, let stuck = state.stuck, stuck == committed else { return false }
            if state.commits.removeAll() { list(state) }
            return true
        }
    }

    private func list(_ state: State) {
        if let committed = state.commits.committed { replica.commit(upTo: committed) }
    }

    /// Keeps one timer running, at the next thing that time alone will cause.
    private func arm(_ state: inout State) {
        guard let deadline = nextDeadline(state), state.timer.map({ deadline < $0 }) ?? true else { return }
        state.timer = deadline
        eventLoop.scheduleTask(deadline: deadline) { self.fire(deadline) }
    }

    private func nextDeadline(_ state: State) -> NIODeadline? {
        switch state.presence {
        case .ended: nil
        case .absent(let until, _): until
        case .publishing:
            earlier(state.sequencer.nextDeadline.map(SystemClock.deadline), starvation(state))
        }
    }

    /// Notes whether a publisher that is there sends nothing: who waits then is answered as if it were away. Call about
    /// once a second.
    func watch() {
        state.withLock { state in
            guard case .publishing = state.presence, !state.isStalled else { return }
            guard state.sequencer.isStalled(now: SystemClock.now()) else { return }
            state.isStalled = true
            replica.publisherIs(absent: true)
        }
    }

    private func earlier(_ one: NIODeadline?, _ other: NIODeadline?) -> NIODeadline? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    /// When a video stream has gone too long without a place to join it.
    private func starvation(_ state: State) -> NIODeadline? {
        state.hasVideo ? state.lastRandomAccess + TimeAmount(settings.randomAccessTimeout) : nil
    }

    private func fire(_ deadline: NIODeadline) {
        enum Due { case graceOver, nothing, starved(any Publisher) }
        let due = state.withLock { state -> Due in
            guard state.timer == deadline else { return .nothing }
            state.timer = nil
            let now = NIODeadline.now()
            switch state.presence {
            case .absent(let until, _) where until <= now:
                finish(.publisherGone, &state)
                return .graceOver
            case .publishing(_, let publisher):
                if let limit = starvation(state), limit <= now { return .starved(publisher) }
                state.sequencer.tick(now: SystemClock.now(), wall: SystemClock.wall(), into: &state.records)
                flush(&state)
            case .absent, .ended: break
            }
            arm(&state)
            return .nothing
        }
        switch due {
        case .graceOver:
            onChange(self)
            onEnd(self, .publisherGone)
        case .nothing: break
        case .starved(let publisher): publisher.cut(.noRandomAccessPoint)
        }
    }
}
