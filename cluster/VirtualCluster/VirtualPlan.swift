// SPDX-License-Identifier: Apache-2.0

public import Gossip
public import TestKit

/// What a virtual cluster is made of.
public struct VirtualPlan: Sendable {
    /// How many nodes, in all regions.
    public var nodes: Int
    /// How many regions; node i is in region i modulo this.
    public var regions = 1
    /// How the nodes' pools run.
    public var settings = ClusterSettings()
    /// What links within a region do.
    public var link: LinkSettings
    /// How much longer everything is under way between regions.
    public var regionDelay: Duration = .milliseconds(75)
    /// How many nodes of each region are its seeds: the first.
    public var seedsPerRegion = 3

    /// Some nodes on good links.
    public init(nodes: Int, link: LinkSettings = LinkSettings()) {
        self.nodes = nodes
        self.link = link
    }
}
