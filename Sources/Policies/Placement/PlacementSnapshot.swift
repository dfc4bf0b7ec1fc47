// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// A view of the cluster, prepared for choosing. Make one for a version of the view and keep it until the next: equal
/// views give equal choices on every node.
public struct PlacementSnapshot: Sendable {
    /// What was prepared.
    public let view: ClusterView
    /// Where the node that has this view stands.
    public let region: Region
    /// The region's nodes that serve viewers, and that viewers can reach. Shields are among them only where there are not
    /// two other edges: whoever watches at a shield loses with it also what feeds the other edge.
    public let edges: Candidates
    /// The region's nodes that take publishers.
    public let origins: Candidates
    /// The region's nodes at which its edges subscribe.
    public let shields: Candidates

    /// Prepares `view`. A node that does not know itself stands in the region `local`.
    public init(_ view: ClusterView) {
        self.view = view
        region = view.member(view.node)?.description.region ?? .local
        let reachable = view.members.filter { !$0.description.viewerURL.isEmpty }
        let plain = Candidates(
            reachable.filter { !$0.description.roles.contains(.shield) }, in: region, with: .edge)
        edges = plain.count >= 2 ? plain : Candidates(reachable, in: region, with: .edge)
        origins = Candidates(view.members, in: region, with: .origin)
        shields = Candidates(view.members, in: region, with: .shield)
    }
}
