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
/// A stream outlives its publisher by the grace: whoever comes back in time goes on in the same term. Before its term is
/// taken, and while the node is not sure of it, what the publisher sends waits at a gate. All calls may come from any
/// thread; they are ordered by a lock that nobody holds for longer than a unit takes.
public final class LiveStream: Sendable {
    /// The stream's name.
    public let id: StreamID
    /// Where the feed goes.
    public let replica: StreamReplica
    /// When the stream began.
    public let startedAt: WallTime
    let eventLoop: any EventLoop
    let settings: LiveStreamSettings
    let publishers: PublisherCount
    let pulse: GatewayPulse?
    let last: MediaSequenceNumber?
    let calls: Calls
    let state: Mutex<State>

    struct State {
        /// The term it appends in; the highest known before, while it is being taken.
        var term: Term
        var hasTerm = false
        /// The version of the byte writer that the term is written with.
        var packaging: UInt8 = 1
        var sequencer: Sequencer
        var commits: CommitTracker
        var watch = HolderWatch()
        var nextNumber: UInt64 = 0
        var presence: Presence
        var gate = Gate(closedFor: .term)
        var generation: UInt64 = 1
        var records: [FeedRecord] = []
        var timer: NIODeadline?
        var lastRandomAccess: NIODeadline = .now()
        var hasVideo = false
        var isStalled = false
        /// Where a CDN has the segments to come; nil where edges serve them.
        var cdnBase: String?
        /// Whether the publisher is cut off where its next segment would begin, and none is let in after it.
        var isParting = false
        var publisherSince = SystemClock.now()
        var reported = SequencerCounters()
        /// The tracks that the publisher has said it sends, each with its newest parameters.
        var announced: [Track] = []
        /// Those of them that the sequencer of a term that was taken anew is yet to be told, each with its first unit.
        var untold: [Track] = []
        /// What makes one layer of all, where the term's version of the byte writer has none.
        var fold = LayerFold()
        /// How often a layer was lost, as far as the publisher was asked for it.
        var layersLost: UInt64 = 0
        var metadata: [String: String] = [:]
    }

    /// Who is feeding the stream.
    enum Presence {
        /// Nobody, until the deadline. Exits: publishing, ended, yielded.
        case absent(until: NIODeadline, last: PublisherIdentity)
        /// Nothing will ever come. No exit.
        case ended
        /// A publisher. Exits: publishing (replaced), absent, ended, yielded.
        case publishing(PublisherIdentity, any Publisher)
        /// Another node has the stream. No exit.
        case yielded
    }

    /// Who is told what. Called on any thread, without the stream's lock.
    struct Calls: Sendable {
        /// The stream began, or its publisher went or came, or it ended.
        var change: @Sendable (LiveStream) -> Void
        /// It ended, or another node has it.
        var over: @Sendable (LiveStream) -> Void
        /// It writes nothing until ``LiveStream/unfence(_:)``, because the node lost time.
        var fence: @Sendable (LiveStream) -> Void
    }

    /// A stream whose term is yet to be taken. Its timers run on `eventLoop`.
    /// - Parameters:
    ///   - known: the highest term known of it.
    ///   - last: the newest number known of an earlier life, so that numbers never come again.
    init(
        id: StreamID, above known: Term?, after last: MediaSequenceNumber?, presence: Presence,
        settings: LiveStreamSettings, eventLoop: any EventLoop, replica: StreamReplica, publishers: PublisherCount,
        pulse: GatewayPulse?, calls: Calls
    ) {
        self.id = id
        self.settings = settings
        self.eventLoop = eventLoop
        self.replica = replica
        self.publishers = publishers
        self.pulse = pulse
        self.last = last
        self.calls = calls
        startedAt = SystemClock.wall()
        let term = known ?? Term(number: 0, salt: 0)
        let nothing = Sequencer(settings: settings.sequencer, term: term, firstMSN: 0)
        state = Mutex(
            State(term: term, sequencer: nothing, commits: CommitTracker(term: term), presence: presence))
    }

    /// The handle of the publisher that the stream was started with.
    var firstPublication: Publication { Publication(stream: self, generation: 1) }
}

// MARK: - What it is

extension LiveStream {
    /// Who may append: the term of this gateway. While it is being taken, the highest known before.
    public var term: Term { state.withLock { $0.term } }

    /// Whether its term is taken.
    public var hasTerm: Bool { state.withLock { $0.hasTerm } }

    /// The version of the byte writer that its term is written with, once it is taken.
    public var packaging: UInt8 { state.withLock { $0.packaging } }

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
            case .ended, .yielded: nil
            case .publishing(let identity, _): identity
            }
        }
    }

    /// What the stream does, as the directory says it.
    public var presence: StreamState {
        state.withLock { state in
            switch state.presence {
            case .absent: .absent
            case .ended, .yielded: .ended
            case .publishing: .live
            }
        }
    }

    /// Does something on the stream's event loop, later.
    public func onItsLoop(after delay: Duration, _ body: @escaping @Sendable () -> Void) {
        eventLoop.scheduleTask(in: TimeAmount(delay)) { body() }
    }

    /// What the sequencer had to mend since the last call.
    public func takeMendings() -> SequencerCounters {
        state.withLock { state in
            defer { state.reported = state.sequencer.counters }
            return state.sequencer.counters.since(state.reported)
        }
    }
}
