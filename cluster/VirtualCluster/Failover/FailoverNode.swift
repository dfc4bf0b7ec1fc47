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
    enum State { case up, frozen, down }

    let number: Int
    let description: NodeDescription
    var state = State.down
    /// Counts its lives, so that nothing meant for one reaches the next.
    var life = 0

    /// What it holds; nil where it never had anything.
    var feed: HeldFeed?
    /// The lowest term of which it acknowledges and lists anything.
    var promised: Term?
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
    var retries: [RelayPath: Duration] = [:]
    var gateway: FailoverGateway?
    var taking: FailoverTaking?
    /// Since when nobody but it may end the stream.
    var orphanSince: Duration?
    var lastTick: Duration = .zero
    /// What waits for it, by the time at which it comes.
    var mailbox = EventQueue<FailoverLetter>()
    /// What it ever listed furthest in this life, and its names.
    var served = ServedPlaylists()

    init(number: Int, description: NodeDescription) {
        self.number = number
        self.description = description
        snapshot = PlacementSnapshot(
            ClusterView(node: description.id, version: 0, members: [], streams: [:], regions: [:]))
    }

    var id: NodeID { description.id }
    var isOrigin: Bool { description.roles.contains(.origin) }
    var isGateway: Bool { gateway != nil }

    /// It starts with nothing.
    func start(now: Duration) {
        life += 1
        state = .up
        lastTick = now
    }

    /// It dies, and all it held with it.
    func die() {
        state = .down
        feed = nil
        promised = nil
        entry = nil
        subscriber = nil
        gateway = nil
        taking = nil
        orphanSince = nil
        dead = []
        unheard = [:]
        mailbox = EventQueue()
        served = ServedPlaylists()
    }

    /// Promises to acknowledge and list nothing of lower terms; what is held.
    func promise(_ term: Term) -> (next: FeedPosition?, commit: CommitTracker.Commit?) {
        promised = max(promised ?? term, term)
        return (feed?.next, feed?.commit)
    }

    /// Takes a record that the relay brought.
    func append(_ record: FeedRecord, at position: FeedPosition) { feed?.append(record, at: position) }

    func begin(_ start: FeedStart, stream: StreamID) {
        if feed == nil { feed = Self.feed(of: stream, term: start.position.term, checks: .verifies(oneIn: 1)) }
        feed?.begin(start)
    }

    static func feed(of stream: StreamID, term: Term, checks: DigestChecks) -> HeldFeed {
        HeldFeed(stream: stream, settings: MediaWindowSettings(segments: 4), term: term, checks: checks)
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
    /// Whether it writes nothing until others have confirmed its term.
    var isFenced = false
    var waiting: [FailoverMedia] = []
    var check: TermConfirmation?
    /// What becomes of a standby that says nothing.
    var silence = FailoverSilence()
}

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
}

/// What a publisher sends, and when it came.
struct FailoverMedia {
    enum Content { case left, parameters, returned, unit(AccessUnit) }

    let content: Content
    let now: Duration
}
