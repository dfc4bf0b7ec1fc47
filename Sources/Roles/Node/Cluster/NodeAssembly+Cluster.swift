// SPDX-License-Identifier: Apache-2.0

import Cluster
import Clustering
import Gossip
import Identity
import Media
import NIOCore
import Replica
import Router
import Synchronization
import Transport
import WebServer

extension NodeAssembly {
    /// The node's name, or the host's where that is no node's.
    var name: String { cluster?.id.description ?? settings.node.name ?? ProcessFacts.hostName }

    /// The port of gossip, UDP and TCP; nil where the node is alone.
    package var gossipPort: Int? { cluster?.gossip?.address.port }

    /// What routers are told once a second.
    func loadReport() -> LoadReport {
        let rates = traffic.rates
        let all = replicas.all.map { (replica: $0, viewers: $0.viewerCount) }.filter { $0.viewers > 0 }
        let streams = all.sorted { $0.viewers > $1.viewers }.prefix(64).map { stream in
            let bits = stream.replica.variants.map(\.averageBandwidth).max() ?? 0
            return StreamAudience(
                key: RankingKey(stream.replica.id), viewers: UInt32(clamping: stream.viewers),
                kilobits: UInt32(clamping: bits / 1000 * stream.viewers))
        }
        return LoadReport(
            node: cluster?.id ?? .local, sequence: reports.next(),
            egress: UInt64(max(0, rates.bitsOut)), processor: UInt16(clamping: Int(rates.processor * 1000)),
            viewers: UInt32(clamping: all.reduce(0) { $0 + $1.viewers }), streams: Array(streams))
    }

    /// Whether the node was told to drain and has nothing left to do.
    package var hasDrained: Bool {
        cluster?.hasDrained(viewers: replicas.all.reduce(0) { $0 + $1.viewerCount }) ?? false
    }
}

extension NodeSettings {
    /// The key of the cluster; nil where the node is alone.
    func clusterKey() throws -> ClusterKey? { try cluster.key.map { try ClusterKey(parsing: $0.revealed) } }

    /// How the router of this node answers. Throws what is wrong with the file of places.
    func routerFrontSettings() throws -> RouterFrontSettings {
        var front = RouterFrontSettings()
        front.writesPlaylists = router.mode == .playlist
        front.trustedProxies = router.trustedProxies
        if let path = router.placesFile {
            let places = try PlaceFinder(path: path)
            front.place = { places.place(of: $0) }
        }
        return front
    }
}

extension NodeRoles {
    /// The roles as settings and the API name them.
    var names: [String] {
        let all: [(String, NodeRoles)] = [
            ("origin", .origin), ("edge", .edge), ("router", .router), ("shield", .shield),
        ]
        return all.filter { contains($0.1) }.map(\.0)
    }
}

/// Answers for media on a node that has none.
final class NoMedia: MediaResponder {
    private let answer = MediaAnswer(AnswerHead(status: 404, cacheControl: "no-store"))

    func respond(to request: MediaRequest, on exchange: MediaExchange) { exchange.send(answer) }
    func cancelled(_ exchange: MediaExchange) {}
    func writable(_ exchange: MediaExchange) {}
}

/// The numbers of load reports: above those of the node's last life, and one more each.
final class ReportNumbers: Sendable {
    private let last = Mutex(UInt64(SystemClock.wall().milliseconds.magnitude))

    func next() -> UInt64 {
        last.withLock { last in
            last += 1
            return last
        }
    }
}
