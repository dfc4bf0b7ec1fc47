// SPDX-License-Identifier: Apache-2.0

import Cluster

/// How large anything of gossip may be. A receiver refuses what is larger before it takes memory for it; for a sender
/// it is a mistake of ours.
enum WireLimit {
    /// A node's description, in bytes.
    static let description = 512
    /// An entry of the directory or a region's summary, in bytes, so that a datagram has room for it.
    static let entry = 1000
    /// A URL, the codecs of a variant, the name of a region or zone, in bytes.
    static let text = NodeDescription.longestURL
    /// The text of a refusal, in bytes.
    static let refusal = 256
    /// Audiences in a load report.
    static let audiences = 64
    /// Variants of a stream.
    static let variants = 6
    /// Routers in a region's summary, and its doors.
    static let places = 8
    /// Members in a state.
    static let members = 1 << 20
    /// Entries of the directory in a state.
    static let streams = 1 << 20
    /// Regions in a state.
    static let regions = 1 << 12
    /// Orders about keys in a state.
    static let keys = 64
    /// Orders about audiences in a state.
    static let steering = 64
    /// A stream message behind its length, in bytes.
    static let streamMessage = 20 << 20
    /// A key of the cluster, in bytes.
    static let secret = 32
    /// The highest local health of Lifeguard.
    static let localHealth: UInt8 = 7
    /// All of a node's processors, in per mille.
    static let processor: UInt16 = 1000
}
