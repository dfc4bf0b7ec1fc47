// SPDX-License-Identifier: Apache-2.0

import APIClient
import Access
import Cluster
import Clustering
import Control
import Gossip
import Identity
import Media
import NIOCore
import NIOPosix
import Placement
import Router
import Synchronization
import Transport

/// The cluster as the control API sees it: what gossip believes, and what placement makes of it.
struct GossipDesk: ClusterDesk {
    private let part: ClusterPart
    private let secret: AccessSecret

    init(_ part: ClusterPart, secret: AccessSecret) {
        self.part = part
        self.secret = secret
    }

    func view() -> ClusterView { part.gossip?.view ?? part.desk.snapshot.view }

    func loads() -> [LoadReport] { part.desk.reports }

    func ranking(of stream: StreamID) -> [RankedNode] {
        let snapshot = part.desk.snapshot
        let set = part.desk.edgeSet(of: stream)
        return snapshot.edges.ranking(of: RankingKey(stream)).map { index in
            let node = snapshot.edges.members[index].id
            let place = set.first { $0.node == node }
            return RankedNode(node, isInEdgeSet: place != nil, isWarm: place?.isReady ?? false)
        }
    }

    /// The holders, and all nodes of this region that report viewers of the stream, with those between.
    func tree(of stream: StreamID) -> [TreeBranch] {
        let snapshot = part.desk.snapshot
        guard let entry = snapshot.view.streams[stream] else { return [] }
        var branches = [TreeBranch(entry.gateway, in: entry.region, as: .gateway, from: nil)]
        if let standby = entry.standby {
            branches.append(TreeBranch(standby, in: entry.region, as: .standby, from: entry.gateway))
        }
        let key = RankingKey(stream)
        let watched = part.desk.reports.filter { $0.streams.contains { $0.key == key } }.map(\.node)
        for node in watched { grow(&branches, to: node, entry, snapshot, depth: 0) }
        return branches
    }

    /// Adds the way from the gateway to a node.
    private func grow(
        _ branches: inout [TreeBranch], to node: NodeID, _ entry: StreamEntry, _ snapshot: PlacementSnapshot, depth: Int
    ) {
        guard depth < 6, !branches.contains(where: { $0.node == node }) else { return }
        guard snapshot.view.member(node) != nil else {
            branches.append(TreeBranch(node, in: entry.region, as: .shield, from: entry.gateway))
            return
        }
        let parent = snapshot.parents(of: node, for: entry, edgeCount: snapshot.edges.count).first?.node
        if let parent { grow(&branches, to: parent, entry, snapshot, depth: depth + 1) }
        let isShield = snapshot.shields.index(of: node) != nil
        branches.append(
            TreeBranch(node, in: snapshot.region, as: isShield ? .shield : .edge, from: parent ?? entry.gateway))
    }

    func events(after number: UInt64) -> [ClusterEvent] { part.events.withLock { $0.events(after: number) } }

    func keys() -> [ClusterKeyStatus] {
        guard let keyring = part.gossip?.keyring else { return [] }
        return [ClusterKeyStatus(id: keyring.inUse.id, isInUse: true)]
            + keyring.others.map { ClusterKeyStatus(id: $0.id, isInUse: false) }
    }

    func order(_ change: ClusterKeyChange) -> ClusterKeyOutcome {
        guard let gossip = part.gossip else { return .refused(.alone) }
        do throws(KeyringFailure) {
            switch change {
            case .install(let text):
                guard let key = try? Gossip.ClusterKey(parsing: text.revealed) else { return .refused(.notAKey) }
                try gossip.order(.install(key))
                return .ordered(key.id)
            case .use(let id):
                try gossip.order(.use(id))
                return .ordered(id)
            case .remove(let id):
                try gossip.order(.remove(id))
                return .ordered(id)
            }
        } catch {
            return switch error {
            case .full: .refused(.full)
            case .keyInUse: .refused(.inUse)
            case .unknownKey: .refused(.unknownKey)
            }
        }
    }
}

// MARK: - Draining

extension GossipDesk {
    func drain(_ node: NodeID, within deadline: Duration) async -> DrainOutcome {
        if node == part.id {
            part.drain(within: deadline)
            return .begun
        }
        guard let member = view().member(node) else { return .unknownNode }
        guard member.health <= .suspect else { return .gone }
        guard let request = request(to: member, deadline) else { return .unreachable }
        let answer = try? await NIOSingletons.posixBlockingThreadPool.runIfActive { try request.send() }
        return answer.map { (200..<300).contains($0.status) } ?? false ? .begun : .unreachable
    }

    /// The same wish to the node itself, over its HTTP port.
    private func request(to member: Member, _ deadline: Duration) -> APIRequest? {
        guard var request = member.request("/api/v1/cluster/nodes/\(member.id)/drain?direct=1") else { return nil }
        request.method = "POST"
        request.body = Array("{\"deadline\":\(deadline.components.seconds)}".utf8)
        var random = SystemRandomNumberGenerator()
        let token = ControlToken(
            role: .admin, until: SystemClock.wall().advanced(by: .seconds(60)), by: secret, using: &random)
        request.headers = [
            (name: "Authorization", value: "Bearer \(token.text)"), (name: "Content-Type", value: "application/json"),
        ]
        return request
    }
}
