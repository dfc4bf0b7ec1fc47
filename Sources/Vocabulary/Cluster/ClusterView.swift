// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What a node believes of its cluster at one moment: the snapshot that every choice is made over.
public struct ClusterView: Sendable {
    /// The node whose belief it is.
    public let node: NodeID
    /// Grows with every change.
    public let version: UInt64
    /// The members of the node's region, itself among them, ordered by name. The dead and the gone are kept a day.
    public let members: [Member]
    /// The streams of all regions that are not long over.
    public let streams: [StreamID: StreamEntry]
    /// The newest summary of every other region.
    public let regions: [Region: RegionSummary]
    /// What operators want of audiences, in the order in which it was said.
    public let steering: [SteeringOrder]

    /// A view of its parts.
    public init(
        node: NodeID, version: UInt64, members: [Member], streams: [StreamID: StreamEntry],
        regions: [Region: RegionSummary], steering: [SteeringOrder] = []
    ) {
        self.node = node
        self.version = version
        self.members = members.sorted { $0.id < $1.id }
        self.streams = streams
        self.regions = regions
        self.steering = steering
    }

    /// The member of this name.
    public func member(_ id: NodeID) -> Member? {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if members[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low].id == id ? members[low] : nil
    }
}
