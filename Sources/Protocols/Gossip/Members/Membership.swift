// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// One pool of members: SWIM (Das, Gupta, Motivala, 2002) with Lifeguard's additions (Dadgar, Phillips, Currey, 2018) and
/// the comparison of whole states over streams that memberlist added.
///
/// For one incarnation of a member alive < suspect < dead < left, and the next incarnation overrides all. A node counts
/// its own incarnations: they begin at Unix milliseconds at boot shifted left by 8, so that a node which restarts beats
/// everything said of its last life at once; it takes a new one to refute, and for every change of its description, which
/// therefore needs no version of its own.
///
/// Departures from memberlist, with reasons:
/// - A node that finds its timers late by more than a probe interval did not run. What expired meanwhile is no evidence
///   about others, so their time begins again by as much (`postpone`).
/// - A member believed suspect or gone that speaks to us is told so in our answer, however old the news is.
/// - The death of a member that is not suspected here, or not for long, is taken as an accusation. Whoever says so was cut
///   off, or we were; where nobody was, the suspicion came long before.
/// - Whoever suspects a member for half the shortest time compares states with it over a stream: loss of datagrams alone
///   kills nobody whom a refutation did not reach.
/// - The shortest time of a suspect grows with log10 n up to 100 members only (docs/decisions/0015): at 1000 members with a
///   tenth of all datagrams lost a death is known by all after 5.3 s instead of 7.4 s, and nobody else is called dead.
/// - News are told at once where nothing was told for a gossip interval, so that the first hops do not wait: all of 50
///   members suspect a death after 1.1 s instead of 1.4 s, and know of a leave after 0.1 s instead of 0.4 s.
/// - Of two nodes of one name at two addresses each member keeps the one it knows until that one is gone.
/// - After joining, states are compared at 250 ms, 500 ms and so on up to the usual interval, because rumours told in a
///   pool that is still small are forgotten too early. The same begins anew where a node did not run or was accused, as it
///   may have missed rumours, but not within `recallInterval`; and where a member that was suspect or dead is back, as either
///   may have missed what the other side told, but not within the usual interval, for all members see that at once.
public struct Membership: Sendable {
    /// What a shell, or a machine above, is to do.
    public enum Directive: Sendable {
        /// Close the stream, once what was written to it is sent.
        case close(GossipStream)
        /// Something that is not about members came: apply it, and spread it if it is new.
        case news(Rumour)
        /// A member is new or has changed, or was forgotten.
        indirect case changed(Member, before: Member?)
        /// Look the seeds up and call `found(seeds:)`, also with none.
        case findSeeds
        /// An edge's report came.
        indirect case load(LoadReport)
        /// The time that a leaving node gives to telling so is over.
        case hasLeft
        /// Connect by TCP and write the message; what comes goes to `receive(_:on:)`. A failure needs no word:
        /// what the stream was to bring does not come.
        case open(GossipStream, to: Endpoint, GossipStreamMessage)
        /// Something an operator should know.
        case report(GossipReport)
        /// Send a datagram; an error that the send call gives goes to `sendFailed(to:)`.
        case send(GossipDatagram, to: Endpoint)
        /// The store that arbitrates between gateways answered this member within the last second.
        case storeAnswered(NodeID)
        /// Write the whole state: `members`, and what else there is.
        case writeState(isAnswer: Bool, on: GossipStream)
        /// Write a message on an open stream.
        case write(GossipStreamMessage, on: GossipStream)
    }

    /// The pool's profile.
    public let settings: GossipSettings
    /// This node, as the pool is to know it.
    public internal(set) var own: Member
    /// A hash of what the pool shares beside its members, for the comparison of states.
    public var directoryDigest: UInt64 = 0

    let begin: Duration
    var table = MemberTable()
    var queue = RumourQueue()
    var localHealth: LocalHealth
    var round = ProbeRound()
    var probe: Probe?
    var nextProbe: Duration
    var relays = RelayedProbes()
    var suspicions = SuspicionList()
    var nextGossip: Duration = .never
    var lastGossip: Duration
    var recentlyDead: [Int] = []
    var nextExchange: Duration = .never
    var settledExchange: Duration = .zero
    /// When comparing last began anew at short intervals.
    var lastSettling: Duration?
    var nextRecall: Duration
    var nextForget: Duration
    var seeking: Seeking
    var openedStreams: UInt64 = 0
    var contenders: [NodeID: Member] = [:]
    var leaving: Leaving = .no
    var sequence: UInt32 = 0
    var tellsOn = true
    var transmitLimit = GossipSettings.transmitLimit(members: 1)

    /// A pool that holds this node alone, and asks for seeds at its first tick.
    /// - Parameter incarnation: Unix milliseconds at boot shifted left by 8.
    public init(description: NodeDescription, incarnation: UInt64, settings: GossipSettings, now: Duration) {
        self.settings = settings
        begin = now
        own = Member(description: description, incarnation: incarnation, health: .alive)
        localHealth = LocalHealth(limit: settings.maximumLocalHealth)
        nextProbe = now + settings.probeInterval
        lastGossip = now
        nextRecall = now + settings.recallInterval
        nextForget = now + Self.forgetInterval
        seeking = Seeking(next: now)
    }

    /// This node and all others it knows, the gone among them, in no order that means anything.
    public var members: [Member] { [own] + table.members }

    /// How many are alive or suspect, this node included.
    public var liveCount: Int { table.live.count + 1 }

    /// What is known of a node.
    public func member(_ id: NodeID) -> Member? {
        id == own.id ? own : table.place(of: id).map { table[$0] }
    }

    /// Since when a node is dead or gone; nil where it lives. One that this node never heard of is gone since it began.
    public func goneSince(_ id: NodeID) -> Duration? {
        guard id != own.id else { return nil }
        guard let place = table.place(of: id) else { return begin }
        return table[place].health.isLive ? nil : table.records[place].changed
    }

    /// Whether this node is saying good-bye, or has.
    public var isLeaving: Bool {
        if case .no = leaving { false } else { true }
    }

    /// Whether this node has said good-bye.
    public var hasLeft: Bool { leaving.isDone }

    /// How slow this node believes itself to be, 0 (well) upward.
    public var health: Int { localHealth.score }

    /// A hash of the names and incarnations of all live members.
    public var digest: UInt64 { table.digest &+ MemberTable.digest(of: own) }

    /// How many rumours wait, and how often the one told most was told: for tests and metrics.
    public var rumours: (waiting: Int, mostTransmits: Int, limit: Int) {
        (queue.count, queue.mostTransmits, transmitLimit)
    }

    /// When `tick` is due.
    public var nextDeadline: Duration {
        leaving.isDone ? .never : pendingDeadline
    }

    private var pendingDeadline: Duration {
        min(
            min(min(probe?.deadline ?? nextProbe, relays.deadline), min(suspicions.deadline, nextGossip)),
            min(min(nextExchange, recallDeadline), min(nextForget, seeking.next)), leaving.deadline)
    }

    /// Tells the pool something that is not about members.
    public mutating func spread(_ rumour: Rumour, now: Duration) {
        guard !leaving.isDone else { return }
        queue.insert(rumour)
        if nextGossip == .never { nextGossip = max(now, lastGossip + settings.gossipInterval) }
    }

    static let forgetInterval: Duration = .seconds(60)
}

/// What an operator should know of a pool.
public enum GossipReport: Hashable, Sendable {
    /// A stream was left out of the directory, which has as many as it may have.
    case directoryFull
    /// A node with the name of a member that lives runs at another address.
    case nameConflict(NodeID, established: Endpoint, other: Endpoint)
    /// The name of this node belongs to a member that lives, so the pool does not take it.
    case nameTaken(by: Endpoint)
    /// This node did not run for a while.
    case paused(Duration)
    /// Others suspected this node or called it dead, and it refuted.
    case refuted(accuser: NodeID?)
    /// A peer refused a conversation, with these words.
    case refused(String)
}

extension Duration {
    /// Later than anything.
    static let never: Duration = .seconds(1 << 40)
}
