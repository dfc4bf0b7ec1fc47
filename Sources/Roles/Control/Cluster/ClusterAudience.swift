// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// Who watches what where, as far as load reports tell: each names the 64 largest audiences of its node.
struct ClusterAudience {
    private let reports: [NodeID: LoadReport]
    private let viewers: [RankingKey: [NodeID: Int]]

    /// What `loads` say.
    init(_ loads: [LoadReport]) {
        reports = Dictionary(loads.map { ($0.node, $0) }) { $0.sequence > $1.sequence ? $0 : $1 }
        viewers = reports.values.reduce(into: [:]) { viewers, report in
            for audience in report.streams {
                viewers[audience.key, default: [:]][report.node, default: 0] += Int(audience.viewers)
            }
        }
    }

    /// Viewers of all streams; nil where no report came.
    var total: Int? { reports.isEmpty ? nil : reports.values.reduce(0) { $0 + Int($1.viewers) } }

    /// What a node reports; nil where it did not.
    func load(of node: NodeID) -> LoadReport? { reports[node] }

    /// Viewers of a stream on all nodes; nil where no report came.
    func viewers(of stream: RankingKey) -> Int? {
        reports.isEmpty ? nil : viewers[stream]?.values.reduce(0, +) ?? 0
    }

    /// Viewers of a stream on one node; nil where it reports nothing.
    func viewers(of stream: RankingKey, on node: NodeID) -> Int? {
        reports[node] == nil ? nil : viewers[stream]?[node] ?? 0
    }

    /// On how many nodes somebody watches a stream; nil where no report came.
    func edges(of stream: RankingKey) -> Int? {
        reports.isEmpty ? nil : viewers[stream]?.values.count { $0 > 0 } ?? 0
    }
}
