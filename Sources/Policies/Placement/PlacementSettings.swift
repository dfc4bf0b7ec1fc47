// SPDX-License-Identifier: Apache-2.0

/// How viewers are spread over edges. Every router of a cluster should have the same.
public struct PlacementSettings: Hashable, Sendable {
    /// What a viewer is taken to receive until a load report says it. Too low, and a rush overfills edges for a second;
    /// too high, and streams take more edges than they need.
    public var viewerBandwidth = Bandwidth(kilobits: 2500)
    /// The fewest edges of a watched stream: with two, every variant can be listed at two.
    public var smallestEdgeSet = 2
    /// The part of an edge that one stream may fill before it needs another. Streams must be cut into pieces of at most
    /// half an edge before any bound on the load of edges can hold.
    public var unit = 0.5
    /// An edge gets no more viewers once its load is over this times the mean, in proportion to capacity (1 + ε).
    public var bound = 1.25
    /// An edge filled to less than this part of its capacity is never over the bound, so that few viewers do not spread
    /// a stream over many edges: at a tenth, the copies of a stream cost a few hundredths of what its viewers do.
    public var idle = 0.1
    /// An edge filled to this part of its capacity, or using this part of its processors, is full.
    public var full = 0.9
    /// How long an audience must be small before the edge set shrinks.
    public var shrinkDelay: Duration = .seconds(60)
    /// How long a new edge of a stream may take to be ready before it gets viewers all the same.
    public var warmUp: Duration = .seconds(2)

    /// The defaults.
    public init() {}
}
