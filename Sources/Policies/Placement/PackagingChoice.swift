// SPDX-License-Identifier: Apache-2.0

import Cluster

/// Which version of the byte writer a term is written with.
extension PlacementSnapshot {
    /// The highest version that this node and every other origin and edge of its region write: whoever of them comes to
    /// hold the stream writes the same bytes.
    ///
    /// It is asked once, when a term of this node's begins, and holds for all of the term. Suspects count, as they may be
    /// well, and those that drain, as they have viewers until they end. Nodes that write none of this node's versions are
    /// left out. Where no version is everybody's, it is the one that most write.
    /// - Parameter own: what this node writes.
    public func packaging(writing own: ClosedRange<UInt8>) -> UInt8 {
        let written = view.members.filter { $0.id != view.node && $0.mayHoldStreams }.map(\.description.packaging)
        func writers(of version: UInt8) -> Int { written.count { $0.contains(version) } }
        return own.max { (writers(of: $0), $0) < (writers(of: $1), $1) } ?? own.upperBound
    }
}

extension Member {
    fileprivate var mayHoldStreams: Bool {
        health <= .suspect && !description.roles.isDisjoint(with: [.origin, .edge])
    }
}
