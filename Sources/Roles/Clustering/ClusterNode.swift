// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Gossip
public import Identity
import Media
public import NIOCore
public import Transport

/// A node's part in its cluster: gossip on one UDP and TCP port, and the view that comes of it. Any thread may call.
public final class ClusterNode: Sendable {
    /// The port that it listens at, UDP and TCP.
    public let address: SocketAddress
    private let server: TCPListener
    private let loop: NIOLoopBound<GossipLoop>
    private let shared: ClusterShare

    init(address: SocketAddress, server: TCPListener, loop: GossipLoop, shared: ClusterShare) {
        self.address = address
        self.server = server
        self.loop = NIOLoopBound(loop, eventLoop: loop.eventLoop)
        self.shared = shared
    }

    /// What the node believes now.
    public var view: ClusterView { shared.view }

    /// The keys that packets are opened with.
    public var keyring: Keyring { shared.keyring }

    /// Changes what the node says of itself.
    public func change(_ change: @escaping @Sendable (inout NodeDescription) -> Void) {
        loop.eventLoop.execute { [loop] in loop.value.change(change) }
    }

    /// Tells all of a stream; an entry that does not override the known one changes nothing.
    public func publish(_ entry: StreamEntry) { loop.eventLoop.execute { [loop] in loop.value.publish(entry) } }

    /// Sends the routers and origins of the region this node's load.
    public func report(_ load: LoadReport) { loop.eventLoop.execute { [loop] in loop.value.report(load) } }

    /// Tells the other origins of the region that the store which arbitrates between gateways answered just now.
    public func storeAnswered() { loop.eventLoop.execute { [loop] in loop.value.storeAnswered() } }

    /// Says how much of the region's edges is in use, in per mille, for the summary that other regions hear.
    public func regionLoad(_ load: UInt16) { loop.eventLoop.execute { [loop] in loop.value.regionLoad(load) } }

    /// Has all members open with a key from now on, seal with it, or forget it.
    public func order(_ verb: KeyVerb) throws(KeyringFailure) {
        let order = try shared.order(verb, now: UInt64(SystemClock.wall().milliseconds.magnitude))
        loop.eventLoop.execute { [loop] in loop.value.order(order) }
    }

    /// Tells all of a share of an audience.
    public func steer(_ order: SteeringOrder) { loop.eventLoop.execute { [loop] in loop.value.steer(order) } }

    /// Says good-bye and closes the port. Returns when the good-byes are sent.
    public func leave() async {
        let gone = loop.eventLoop.makePromise(of: Void.self)
        loop.eventLoop.execute { [loop] in loop.value.leave(gone) }
        try? await gone.futureResult.get()
        await server.stop(within: .milliseconds(200))
    }
}

/// What a cluster node is made with.
public struct ClusterNodeSettings: Sendable {
    /// The cluster's name.
    public var cluster: String
    /// What packets are sealed with.
    public var key: ClusterKey
    /// What the node says of itself; the port of `gossip` is the listener's where it is 0.
    public var description: NodeDescription
    /// Where to listen.
    public var host: String
    /// The port, UDP and TCP; 0 lets the kernel choose.
    public var port: Int
    /// Members of this region to join by.
    public var seeds: [SeedSource]
    /// Members of other regions to join by.
    public var remoteSeeds: [SeedSource]
    /// Where members may be found beside the seeds, by pool: a store that they write their addresses to.
    public var findMore: @Sendable (GossipPool) async -> [Endpoint] = { _ in [] }
    /// How the pools run.
    public var gossip: Gossip.ClusterSettings
    /// Connections of gossip at once.
    public var limits = AdmissionLimits(connections: 1024, ratePerAddress: 200)

    /// Settings of their parts.
    public init(
        cluster: String, key: ClusterKey, description: NodeDescription, host: String, port: Int,
        seeds: [SeedSource], remoteSeeds: [SeedSource], gossip: Gossip.ClusterSettings
    ) {
        self.cluster = cluster
        self.key = key
        self.description = description
        self.host = host
        self.port = port
        self.seeds = seeds
        self.remoteSeeds = remoteSeeds
        self.gossip = gossip
    }
}

/// What is to be done with a key of the cluster.
public enum KeyVerb: Sendable {
    /// Open with it too.
    case install(ClusterKey)
    /// Seal with the one of this id.
    case use(UInt32)
    /// Forget the one of this id.
    case remove(UInt32)
}

/// Who is told what a cluster node learns. Called on its event loop; must not block.
public struct ClusterListeners: Sendable {
    /// The view has changed.
    public var view: @Sendable (ClusterView) -> Void = { _ in }
    /// An edge of the region reported its load.
    public var load: @Sendable (LoadReport) -> Void = { _ in }
    /// A member is new or has changed.
    public var member: @Sendable (Member) -> Void = { _ in }
    /// The store that arbitrates between gateways answered another origin of the region just now.
    public var storeAnswered: @Sendable (NodeID) -> Void = { _ in }
    /// There is a newer entry of a stream.
    public var stream: @Sendable (StreamEntry) -> Void = { _ in }

    /// Nobody.
    public init() {}
}
