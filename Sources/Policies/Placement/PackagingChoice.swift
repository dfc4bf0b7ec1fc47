// SPDX-License-Identifier: Apache-2.0

import Cluster

/// Which version of the byte writer a term is written with.
extension PlacementSnapshot {
    /// The highest version that this node writes, every other origin and edge of its region, and all of every other region,
    /// as their summaries say: whoever of them comes to hold the stream writes the same bytes.
    ///
    /// It is asked once, when a term of this node's begins, and holds for all of the term. Nodes and regions that write none
    /// of this node's versions are left out, and regions that do not say what they write: they are of a program of before,
    /// which need not write less. Where no version is everybody's, it is the one that most write; another region counts as
    /// one.
    /// - Parameter own: what this node writes.
    public func packaging(writing own: ClosedRange<UInt8>) -> UInt8 {
        let here = view.members.filter { $0.id != view.node && $0.mayHoldStreams }.map(\.description.packaging)
        let written = here + view.regions.values.compactMap(\.packaging)
        func writers(of version: UInt8) -> Int { written.count { $0.contains(version) } }
        return own.max { (writers(of: $0), $0) < (writers(of: $1), $1) } ?? own.upperBound
    }
}
