// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// What a subscriber says of itself when it asks for a stream's feed.
public struct SubscriptionRequest: Hashable, Sendable {
    /// Who asks.
    public let node: NodeID
    /// Where it stands.
    public let region: Region
    /// The level it takes itself to have; see ``PlacementSnapshot/level(of:for:)``.
    public let level: RelayLevel
    /// The tags of the nodes between it and its farthest subscriber, its own last; see ``RankingKey/tag``.
    public let via: [UInt32]
    /// How often it has been sent on.
    public let redirects: Int

    /// A request of its parts.
    public init(node: NodeID, region: Region, level: RelayLevel, via: [UInt32], redirects: Int) {
        self.node = node
        self.region = region
        self.level = level
        self.via = via
        self.redirects = redirects
    }
}

/// The answer to a subscriber.
public enum SubscriptionAdmission: Hashable, Sendable {
    /// It gets the feed here.
    case accept
    /// Another node is its right parent, says the term of the entry.
    case redirect(to: Upstream, term: Term)
    /// The feed would run in a circle: we are in `via`, or not below the subscriber's level.
    case refuseCircle
    /// The feed would take over six hops.
    case refuseDistance
}

extension PlacementSnapshot {
    /// Whether this view's node gives a stream's feed to who asks.
    ///
    /// Three nets against circles: a subscriber's level must be above ours; we may not be in its `via`; and six hops are
    /// the most. A subscriber that has a better parent is sent there, at most three times, so that views that differ for
    /// a moment can not play ball with it: from a holder to the region's shields once over four edges of the region ask,
    /// from a shield that is not of the first two to one that is, and from who is no parent at all to a holder.
    /// - Parameter subscribers: how many edges of this region have the stream from us.
    public func admit(
        _ request: SubscriptionRequest, for entry: StreamEntry, subscribers: Int
    ) -> SubscriptionAdmission {
        guard !request.via.contains(RankingKey(view.node).tag), request.node != view.node else { return .refuseCircle }
        guard request.via.count < Self.hopLimit else { return .refuseDistance }
        if request.redirects < Self.redirectLimit, let better = betterParent(request, entry, subscribers) {
            return .redirect(to: better, term: entry.term)
        }
        return level(of: view.node, for: entry) < request.level ? .accept : .refuseCircle
    }

    private func betterParent(_ request: SubscriptionRequest, _ entry: StreamEntry, _ subscribers: Int) -> Upstream? {
        let own = level(of: view.node, for: entry)
        if request.region == region, request.level == .edge, own != .holder || subscribers >= Self.directEdges {
            let shields = nearShields(for: entry)
            if shields.contains(where: { $0.node == view.node }) { return nil }
            if let shield = shields.first(where: { isNew($0, to: request) }) { return shield }
        }
        guard own >= request.level else { return nil }
        let above = entry.region == region ? holders(for: entry, spreading: request.node) : doors(for: entry)
        return above.first { isNew($0, to: request) }
    }

    private func isNew(_ upstream: Upstream, to request: SubscriptionRequest) -> Bool {
        upstream.node != view.node && upstream.node != request.node
            && !request.via.contains(RankingKey(upstream.node).tag)
    }

    private static let hopLimit = 6
    private static let redirectLimit = 3
}
