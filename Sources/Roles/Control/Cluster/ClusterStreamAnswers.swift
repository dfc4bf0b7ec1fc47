// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

// The answers about the directory of streams, as Resources/openapi.json says them.

struct ClusterStreamList: Encodable {
    let streams: [ClusterStreamStatus]
    let total: Int
}

struct ClusterStreamAnswer: Encodable {
    let stream: ClusterStreamStatus
    let ranking: [RankingPlace]
    let tree: [TreeBranchStatus]
}

/// A stream as the directory has it.
struct ClusterStreamStatus: Encodable {
    let id: String
    let streamKey: String
    let state: String
    let region: String
    let gateway: String
    let standby: OrNull<String>
    let term: String
    let viewers: OrNull<Int>
    let edges: OrNull<Int>
    let bitrate: OrNull<UInt64>
    let codecs: OrNull<String>
    let resolution: OrNull<String>
    let renditions: Int
    let playback: Playback

    init(_ entry: StreamEntry, viewers: Int?, edges: Int?) {
        id = entry.stream.description
        streamKey = entry.stream.apiKey
        state = entry.state.name
        region = entry.region.description
        gateway = entry.gateway.description
        standby = OrNull(entry.standby?.description)
        term = entry.term.description
        self.viewers = OrNull(viewers)
        self.edges = OrNull(edges)
        let best = entry.variants.max { $0.averageBandwidth < $1.averageBandwidth }
        let bits = entry.variants.reduce(UInt64(0)) { $0 + UInt64($1.averageBandwidth) }
        bitrate = OrNull(entry.variants.isEmpty ? nil : bits)
        codecs = OrNull(best?.codecs)
        resolution = OrNull(best.flatMap { $0.width == 0 ? nil : "\($0.width)x\($0.height)" })
        renditions = entry.variants.count
        playback = Playback(entry.stream)
    }
}

/// One node in the tree of a stream.
struct TreeBranchStatus: Encodable {
    let node: String
    let region: String
    let part: String
    let parent: OrNull<String>
    let health: OrNull<String>
    let viewers: OrNull<Int>

    init(_ branch: TreeBranch, member: Member?, viewers: Int?) {
        node = branch.node.description
        region = branch.region.description
        part = branch.part.rawValue
        parent = OrNull(branch.parent?.description)
        health = OrNull(member?.health.name)
        self.viewers = OrNull(viewers)
    }
}

extension StreamState {
    /// The state as the API writes it.
    var name: String {
        switch self {
        case .live: "live"
        case .absent: "absent"
        case .ended: "ended"
        }
    }
}
