// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Cluster
public import Feed
public import Identity

/// What two nodes say to one another about feeds. Those marked with an arrow down go from the parent, that which is
/// subscribed at, to the subscriber; an arrow up is the other way.
public enum RelayMessage: Hashable, Sendable {
    /// ↓ The subscription is served: the records that follow begin here. Said again whenever they go on elsewhere: after
    /// `resume`, and where a term begins.
    case accepted(FeedStart)
    /// ↑ A holder has every record up to and with this one.
    case acknowledge(FeedPosition)
    /// ↓ Send the datagrams of a branch here, too.
    case attach(Endpoint)
    /// ↑ That is done.
    case attached(Endpoint)
    /// ↓ Begins a branch, which the home calls for; see ``RelayBranch``. Its home ends it by `unsubscribe`, the node that has
    /// it by `refused`; both say that they are there, by heartbeats and tallies.
    case branch(RelayBranch)
    /// ↓ Everything up to here is held by all holders.
    case committed(CommitTracker.Commit)
    /// ↓ A packet of RTP as it came from its source. May be lost.
    case datagram(ByteSlice)
    /// ↓ Send the datagrams of a branch here no more.
    case detach(Endpoint)
    /// ↑ Nothing is sent there, or no longer.
    case detached(Endpoint, RelayDetachment)
    /// ↓ The parent is there, how far it is, and how long it has not heard of the gateway.
    case heartbeat(RelayHeartbeat)
    /// ↕ Who speaks: the first message each way.
    case hello(RelayHello)
    /// ↑ No records for now; heartbeats go on.
    case pause
    /// ↑ A decoder can not go on: a random access point is wanted of the publisher. Said only of streams that are written in
    /// ``SegmentStart/firstPackagingOfLayers`` or later: nodes of before end the connection where they hear it.
    case randomAccess
    /// ↓ Records, in order.
    case records(RelayRecords)
    /// ↓ Another node serves this stream. Ends the subscription.
    case redirect(to: NodeID, at: Endpoint)
    /// ↓ The subscription is not served, or no longer. Ends it.
    case refused(RelayRefusal)
    /// ↑ Records again, from here on; nil: from the oldest.
    case resume(from: FeedPosition?)
    /// ↑ Asks for a stream.
    case subscribe(RelayRequest)
    /// ↑ What a branch has sent since it began.
    case tally(RelayTally)
    /// ↕ Answers `termQuestion`.
    case termAnswer(TermAnswer)
    /// ↕ Somebody takes a term: refuse lower ones from now on, and say what you hold.
    case termQuestion(StreamID, Term)
    /// ↑ Ends the subscription. ↓ Ends the branch.
    case unsubscribe
}

/// A message and the subscription it belongs to.
public struct RelayFrame: Hashable, Sendable {
    /// The subscription: a number that the subscriber chose, from 1, never used twice on a connection. 0 for what
    /// concerns the connection, as every hello does.
    public let channel: UInt32
    /// What is said.
    public let message: RelayMessage

    /// A frame of its parts.
    public init(channel: UInt32, message: RelayMessage) {
        self.channel = channel
        self.message = message
    }
}

/// Who speaks on a connection.
///
/// In its frame the lowest version is a field, and the number of those above it stands where the subscription does. So a
/// node that knows only its own version, and looks for it in the field alone, finds there what both speak.
public struct RelayHello: Hashable, Sendable {
    /// The versions of this protocol that the node speaks.
    public let versions: ClosedRange<UInt8>
    /// A hash of the cluster's name.
    public let cluster: UInt32
    /// The node.
    public let node: NodeID
    /// Which of its lives: Unix milliseconds at boot.
    public let incarnation: UInt64

    /// A hello of its parts.
    public init(
        versions: ClosedRange<UInt8> = RelayHello.versions, cluster: UInt32, node: NodeID, incarnation: UInt64
    ) {
        self.versions = versions
        self.cluster = cluster
        self.node = node
        self.incarnation = incarnation
    }

    /// The versions spoken here. There is one: with a second, what is sent depends on what both speak.
    public static let versions: ClosedRange<UInt8> = 1...1
}

/// What a subscriber asks for.
public struct RelayRequest: Hashable, Sendable {
    /// The stream.
    public let stream: StreamID
    /// The highest term it knows; a parent of a lower one is of no use to it.
    public let term: Term?
    /// The first record that it does not have; nil where it has none.
    public let from: FeedPosition?
    /// The nodes that the records would pass on from the parent, the subscriber last.
    public let via: [NodeTag]
    /// Whether only heartbeats are wanted.
    public let isPaused: Bool
    /// Whether it is the standby and will acknowledge.
    public let isHolder: Bool
    /// Whether it takes a term and copies what the parent holds, wherever both stand in the tree.
    public let isTaking: Bool
    /// The version of the subscriber's view of the cluster.
    public let view: UInt64
    /// How often it has been sent on in its search, 0 to 255.
    public let redirects: UInt8

    /// A request of its parts.
    public init(
        stream: StreamID, term: Term? = nil, from: FeedPosition? = nil, via: [NodeTag], isPaused: Bool = false,
        isHolder: Bool = false, isTaking: Bool = false, view: UInt64 = 0, redirects: UInt8 = 0
    ) {
        self.stream = stream
        self.term = term
        self.from = from
        self.via = via
        self.isPaused = isPaused
        self.isHolder = isHolder
        self.isTaking = isTaking
        self.view = view
        self.redirects = redirects
    }
}

/// Records of one term, one behind the other.
public struct RelayRecords: Hashable, Sendable {
    /// Where the first stands.
    public let first: FeedPosition
    /// The records, at least one.
    public let records: [FeedRecord]

    /// Records of their parts.
    public init(first: FeedPosition, records: [FeedRecord]) {
        self.first = first
        self.records = records
    }
}

/// A parent's sign of life.
public struct RelayHeartbeat: Hashable, Sendable {
    /// The newest term it has records of; nil while it has none.
    public let term: Term?
    /// What it knows to be committed.
    public let commit: CommitTracker.Commit?
    /// Milliseconds since it heard of the gateway; 0 at the gateway, ``never`` where it has not.
    public let gatewayAge: UInt32

    /// A heartbeat of its parts.
    public init(term: Term?, commit: CommitTracker.Commit?, gatewayAge: UInt32) {
        self.term = term
        self.commit = commit
        self.gatewayAge = gatewayAge
    }

    /// The age of what was never heard.
    public static let never = UInt32.max
}

/// What a node holds of a stream.
public struct TermAnswer: Hashable, Sendable {
    /// The stream asked about.
    public let stream: StreamID
    /// The lowest term that the node accepts from now on: the one asked for, or a higher one that it knows.
    public let term: Term
    /// The first record that it does not have.
    public let next: FeedPosition?
    /// What it knows to be committed.
    public let commit: CommitTracker.Commit?

    /// An answer of its parts.
    public init(stream: StreamID, term: Term, next: FeedPosition?, commit: CommitTracker.Commit?) {
        self.stream = stream
        self.term = term
        self.next = next
        self.commit = commit
    }
}
