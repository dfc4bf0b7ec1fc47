// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Origin
import Placement
import Replica
import Router

extension NodeAssembly {
    /// Once a second: decides what the CDN is to serve.
    func deliver(_ report: LoadReport) {
        guard let delivery else { return }
        // Who is at the CDN asks any of the routers when to come back.
        let routers = cluster?.desk.snapshot.view.members.count {
            $0.takesWork && $0.description.roles.contains(.router)
        }
        let steered = steering.audiences
        var audiences = Dictionary(
            steered.map { (RankingKey($0.key), $0.value * max(1, routers ?? 1)) }, uniquingKeysWith: +)
        for report in (cluster?.desk.reports ?? []).filter({ $0.node != report.node }) + [report] {
            for stream in report.streams { audiences[stream.key, default: 0] += Int(stream.viewers) }
        }
        delivery.tick(
            streams.all, others: Set(replicas.all.map(\.id)).union(steered.keys),
            audience: { audiences[RankingKey($0)] ?? 0 }, use: edgeUse)
    }

    /// How much of this node's capacity is in use, 0 to 1 and over.
    var use: Double { traffic.use(of: settings.node.capacity) }

    /// How much of the fullest region's edges is in use, as far as this node knows: its own region's edges by what they
    /// report, itself among them, other regions' by what their ambassadors say.
    private var edgeUse: Double {
        let own = settings.roles.contains(.edge) ? use : 0
        guard let desk = cluster?.desk else { return own }
        let snapshot = desk.snapshot
        let near = snapshot.edges.count > 0 ? desk.use : 0
        let far = snapshot.view.regions.values.map { Double($0.load) / 1000 }.max() ?? 0
        return max(own, near, far)
    }
}
