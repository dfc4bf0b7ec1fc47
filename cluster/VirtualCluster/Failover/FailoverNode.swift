// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Media
import Placement
import Relay

/// A node as the failover world has it: what it holds of the stream, whom it believes alive, what it knows of the
/// stream's term. What the roles do in production it does with the same cores, on virtual time.
final class FailoverNode {
    enum State {
        /// It runs.
        case up
        /// Its process stands still; what comes waits for it.
        case frozen
        /// Its process is dead; its machine says so to whoever asks.
        case down
        /// Its machine is gone, and nobody was told.
        case silent
    }

    let number: Int
    /// How many segments it lists.
    let window: Int
    var description: NodeDescription
    var state = State.down
    /// Counts its lives, so that nothing meant for one reaches the next.
    var life = 0

    /// What it holds; nil where it never had anything.
    var feed: HeldFeed?
    /// What it promised to who takes a term.
    var promise: TermPromise?
    /// What the directory says here.
    var entry: StreamEntry?
    /// Whom it believes dead, and since when it has not heard of whom.
    var dead: Set<Int> = []
    var unheard: [Int: Duration] = [:]
    var snapshot: PlacementSnapshot
    var viewVersion: UInt64 = 0

    /// Its subscription, where it is not the gateway.
    var subscriber: RelaySubscriberSession?
    var isHolder = false
    /// Paths on which nothing is tried before, and parents that are not asked before.
    var retries: [RelayPath: Duration] = [:]
    var shunned: [Int: Duration] = [:]
    var gateway: FailoverGateway?
    var taking: FailoverTaking?
    /// Since when nobody but it may end the stream.
    var orphanSince: Duration?
    /// What asks the store for it, where there is one.
    var arbiter: FailoverArbiter?
    var drain: FailoverDrain?
    /// How far its civil clock is ahead.
    var clock: Duration = .zero
    /// How long what it sends waits in its machine.
    var lag: Duration = .zero
    /// What it may list, for what must be true of it.
    var audit = FailoverAudit()
    var lastTick: Duration = .zero
    /// Since when it has run without a pause that it noticed.
    var runsSince: Duration = .zero
    /// What waits for it, by the time at which it comes.
    var mailbox = EventQueue<FailoverLetter>()
    /// What it ever listed furthest in this life, and its names.
    var served = ServedPlaylists()

    init(number: Int, window: Int, description: NodeDescription) {
        self.number = number
        self.window = window
        self.description = description
        snapshot = PlacementSnapshot(
            ClusterView(node: description.id, version: 0, members: [], streams: [:], regions: [:]))
    }

    var id: NodeID { description.id }
    var isOrigin: Bool { description.roles.contains(.origin) }
    var promised: Term? { promise?.term }
    var isGateway: Bool { gateway != nil }
    /// Whether there is a process, were it one that stands still.
    var isRunning: Bool { state == .up || state == .frozen }

    /// It starts with nothing.
    func start(now: Duration) {
        life += 1
        state = .up
        lastTick = now
        runsSince = now
    }

    /// It dies, and all it held with it.
    func die() {
        state = .down
        feed = nil
        promise = nil
        entry = nil
        subscriber = nil
        gateway = nil
        taking = nil
        orphanSince = nil
        arbiter = nil
        drain = nil
        lag = .zero
        audit = FailoverAudit()
        retries = [:]
        shunned = [:]
        dead = []
        unheard = [:]
        mailbox = EventQueue()
        served = ServedPlaylists()
    }

    /// Promises to acknowledge and list nothing of lower terms; what is held.
    func promise(_ term: Term, now: Duration) -> (next: FeedPosition?, commit: CommitTracker.Commit?) {
        promise = promise ?? TermPromise(term, now: now)
        promise?.raise(to: term, now: now)
        return (feed?.next, feed?.commit)
    }

    /// Takes a record that the relay brought.
    func append(_ record: FeedRecord, at position: FeedPosition) { feed?.append(record, at: position) }

    func begin(_ start: FeedStart, stream: StreamID) {
        if feed == nil { feed = makeFeed(of: stream, term: start.position.term, checks: .verifies(oneIn: 1)) }
        feed?.begin(start)
    }

    func makeFeed(of stream: StreamID, term: Term, checks: DigestChecks) -> HeldFeed {
        HeldFeed(stream: stream, settings: MediaWindowSettings(segments: window), term: term, checks: checks)
    }
}

/// A node that writes: the sequencer, the standby's acknowledgements, and the gate before them.
struct FailoverGateway {
    let term: Term
    var sequencer: Sequencer
    var commits: CommitTracker
    var nextNumber: UInt64 = 0
    /// The publisher's connection that feeds it; nil while it is away.
    var publisher: Int?
    var absentSince: Duration?
    var standby: Int?
    /// The version of the byte writer for all of the term.
    var packaging: UInt8 = 1
    /// Why it writes nothing for now.
    var fences: Set<FailoverFence> = []
    var waiting: [FailoverMedia] = []
    var check: TermConfirmation?
    /// What becomes of a standby that says nothing.
    var silence = FailoverSilence()
    /// The question to all after too few origins were alive.
    var recount: TermConfirmation?
    var nextCount: Duration = .zero
    /// Whether its publisher is cut off where its next segment would begin.
    var isParting = false

    var isFenced: Bool { !fences.isEmpty }
}

/// Why a gateway writes nothing.
enum FailoverFence { case clock, lease, quorum }

/// A node that takes a term.
struct FailoverTaking {
    var session: TermSession
    /// The publisher's connection; nil where it only ends the stream.
    let publisher: Int?
    var waiting: [FailoverMedia] = []
    var hasLeft = false
    /// Whether the stream was given up meanwhile, to somebody who asked.
    var isYielded = false
    /// Its copy, and from where.
    var copy: RelaySubscriberSession?
    var source: Int?
    /// Until when it waits for a connection to where it copies from.
    var hangsUntil: Duration?
    /// The newest number of the stream's earlier life here.
    let last: MediaSequenceNumber?
}

/// What a publisher sends, and when it came.
struct FailoverMedia {
    enum Content { case left, parameters, returned, unit(AccessUnit) }

    let content: Content
    let now: Duration
}

extension FeedRecord {
    /// Whether a byte writer of these versions writes it as the gateway does.
    func isWritable(in packaging: ClosedRange<UInt8>) -> Bool {
        if case .segmentStart(let start) = self { packaging.contains(start.packaging) } else { true }
    }
}
