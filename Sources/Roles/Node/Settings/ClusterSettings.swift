// SPDX-License-Identifier: Apache-2.0

import CMAF
public import Cluster
import Identity
public import Transport

/// `node.…`: what this node says of itself to its cluster.
public struct IdentitySettings: Sendable, Equatable {
    /// Its name; nil for the host's.
    public var name: String?
    /// Where it stands.
    public var region = "local"
    /// The part of the region that fails with it.
    public var zone = "local"
    /// The address at which other nodes reach it; nil for the machine's first that is not loopback.
    public var advertise: String?
    /// Where viewers reach it; nil for its HTTP port at `advertise`.
    public var viewerURL: String?
    /// Where publishers reach it; nil for its RTMP port at `advertise`.
    public var publisherURL: String?
    /// What it may send to viewers, Mbit/s.
    public var capacity = 1000

    /// The defaults.
    public init() {}
}

/// `cluster.…`
public struct NodeClusterSettings: Sendable, Equatable {
    /// The cluster's name.
    public var name = "millrace"
    /// What its packets are sealed with; nil where this node is alone.
    public var key: SecretText?
    /// Members of this region to join by.
    public var seeds: [String] = []
    /// Members of other regions to join by.
    public var remoteSeeds: [String] = []
    /// The clocks of the gossip.
    public var profile = ClusterProfile.edge
    /// Where gossip listens, by UDP and TCP.
    public var gossip = PortSettings(port: 7946)
    /// Where feeds are subscribed to.
    public var relay = PortSettings(port: 7947)
    /// Subscriptions that one node may have here.
    public var maximumSubscriptions = 20_000
    /// The relay's own certificate, instead of the cluster's key.
    public var relayTLS = TLSSettings()
    /// A PEM file with the certificate of whoever signed those of all nodes.
    public var relayAuthority: String?
    /// How long a stream that nobody watches is still taken.
    public var linger = Duration.seconds(10)
    /// How many origins must agree to a term, and live for a gateway to write in its own, that one counted; 0 for no such
    /// rule.
    public var quorum = 0
    /// The highest version of the byte writer that this node writes.
    public var packaging = Int(Packaging.newest)
    /// Of how many segments that come over the relay one is compared with its hash.
    public var checkedOneIn = 16

    /// The defaults.
    public init() {}
}

/// An address and a port to listen at.
public struct PortSettings: Sendable, Equatable {
    /// The address.
    public var host = "::"
    /// The port; 0 lets the kernel choose.
    public var port: Int

    init(port: Int) { self.port = port }
}

/// How fast a cluster notices deaths, and what that costs.
public enum ClusterProfile: String, Sendable, CaseIterable {
    case edge, fast, lan
    case test
}

/// `edge.…`
public struct EdgeRoleSettings: Sendable, Equatable {
    /// Whether other edges of the region subscribe here.
    public var isShield = false
    /// Where load balancers ask how much is free; 0 for nowhere.
    public var agentPort = 0

    /// The defaults.
    public init() {}
}

/// `router.…`
public struct RouterSettings: Sendable, Equatable {
    /// How viewers learn of their edges.
    public var mode = RouterMode.playlist
    /// When viewers ask anew by which pathway to go; zero for never.
    public var steeringLife = Duration.seconds(10)
    /// Proxies whose word about a viewer's address and region is taken.
    public var trustedProxies: [AddressPrefix] = []
    /// A file of networks, countries and places, and the regions that serve them.
    public var regionsFile: String?
    /// A MaxMind DB file with countries or places.
    public var placesFile: String?

    /// The defaults.
    public init() {}
}

/// What a router answers a request for a stream with.
public enum RouterMode: String, Sendable, CaseIterable {
    /// The multivariant playlist, with each variant at two edges.
    case playlist
    /// 302 to an edge.
    case redirect
}
