// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// All that a node knows of its cluster and tells of it: the pool of its region, where it is an ambassador the pool
/// between regions, the directory of streams and the summaries of other regions.
///
/// A shell feeds it what comes and what time it is, and obeys every directive in order before it feeds it the next.
/// News of streams, regions and keys ride in the same datagrams and comparisons as those of members. Every ambassador
/// tells each pool what it hears in the other.
public struct ClusterCore: Sendable {
    /// What the shell is to do. What is large and seldom is indirect, so that datagrams pass cheaply.
    public enum Directive: Sendable {
        /// A member of the region is new or has changed.
        indirect case changed(Member, before: Member?)
        /// Close a stream, once what was written to it is sent.
        case close(GossipStream, pool: GossipPool)
        /// Look the pool's seeds up and call `found(seeds:pool:)`, also with none.
        case findSeeds(pool: GossipPool)
        /// The good-byes are said; stop.
        case hasLeft
        /// Do this with a key.
        indirect case keyOrder(KeyOrder)
        /// An edge's report came.
        indirect case load(LoadReport)
        /// Connect by TCP and write the message; what comes goes to `receive(_:on:pool:)`, for as long as the profile's
        /// `streamTimeout`. A failure needs no word.
        case open(GossipStream, pool: GossipPool, to: Endpoint, GossipStreamMessage)
        /// There is a newer summary of another region.
        indirect case region(RegionSummary)
        /// Something an operator should know.
        case report(GossipReport, pool: GossipPool)
        /// Send a datagram; an error that the send call gives goes to `sendFailed(to:pool:)`.
        case send(GossipDatagram, pool: GossipPool, to: Endpoint)
        /// The store that arbitrates between gateways answered another origin of the region within the last second.
        case storeAnswered(NodeID)
        /// There is a newer entry of a stream.
        indirect case stream(StreamEntry)
        /// Write a message on a stream.
        case write(GossipStreamMessage, on: GossipStream, pool: GossipPool)
    }

    /// The pool of the region.
    public internal(set) var region: Membership
    /// The pool between regions; nil where this node is no ambassador.
    public internal(set) var world: Membership?
    /// The streams of all regions.
    public internal(set) var directory = StreamDirectory()
    /// Who speaks for the region, the first first.
    public internal(set) var ambassadors: [NodeID] = []
    /// How much of the region's capacity is in use, in per mille, for its summary; a router knows.
    public var regionLoad: UInt16 = 0

    var regions: RegionTable
    var keys = KeyOrders()
    var steering = SteeringOrders()
    /// When the first of ``steering`` expires.
    var nextSteering: Duration = .never
    var version: UInt64 = 0
    var nextReview: Duration
    var nextSpeech: Duration = .never
    var isLeaving = false
    /// Above every incarnation that this node had in the pool between regions.
    var worldIncarnation: UInt64
    let settings: ClusterSettings
    let boot: UInt64
    let begin: Duration
    private var scratch: [Membership.Directive] = []

    /// A node alone.
    /// - Parameter boot: Unix milliseconds at `now`.
    public init(
        description: NodeDescription, boot: UInt64, settings: ClusterSettings = ClusterSettings(), now: Duration
    ) {
        self.settings = settings
        self.boot = boot
        begin = now
        worldIncarnation = boot << 8
        region = Membership(description: description, incarnation: boot << 8, settings: settings.region, now: now)
        regions = RegionTable(own: description.region)
        nextReview = now + settings.reviewDelay
    }

    /// What this node believes now. It costs a copy of all; ask when `version` has changed.
    public var view: ClusterView {
        ClusterView(
            node: region.own.id, version: version, members: region.members, streams: directory.entries,
            regions: regions.summaries, steering: steering.sorted)
    }

    /// Grows with every change of the view.
    public var viewVersion: UInt64 { version }

    /// Whether this node speaks for its region.
    public var isAmbassador: Bool { world != nil }

    /// When `tick` is due.
    public var nextDeadline: Duration {
        min(
            min(region.nextDeadline, world?.nextDeadline ?? .never), min(nextReview, nextSpeech),
            min(directory.nextDeadline, min(regions.nextDeadline, nextSteering)))
    }

    /// Lets a pool work, and obeys or passes on what it wants done.
    mutating func work(
        in pool: GossipPool, now: Duration, into directives: inout [Directive],
        _ work: (inout Membership, inout [Membership.Directive]) -> Void
    ) {
        var wanted = scratch
        scratch = []
        switch pool {
        case .region: work(&region, &wanted)
        case .world:
            guard world != nil else { break }
            if var membership = world.take() {
                work(&membership, &wanted)
                world = membership
            }
        }
        for directive in wanted { obey(directive, of: pool, now: now, into: &directives) }
        wanted.removeAll(keepingCapacity: true)
        scratch = wanted
    }
}

/// How a node's pools run.
public struct ClusterSettings: Hashable, Sendable {
    /// The profile within the region.
    public var region: GossipSettings = .edge
    /// The profile between regions.
    public var world: GossipSettings = .wan
    /// How often an ambassador sums its region up for the others.
    public var speechInterval: Duration = .seconds(2)
    /// How long after a change of members the ambassadors are chosen anew, so that a burst of changes is one.
    public var reviewDelay: Duration = .milliseconds(500)
    /// How long a stream's gateway is gone, and no other has taken its term, before the first ambassador ends it.
    public var orphanTime: Duration = .seconds(60)

    /// The defaults.
    public init() {}
}
