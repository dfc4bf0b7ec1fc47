// SPDX-License-Identifier: Apache-2.0

import Cluster
public import Identity

extension PlacementSnapshot {
    /// Who looks after the recordings in the object store for its region: of the origins that have a store, the first in
    /// the region's ranking that takes work; nil where none does. Where views do not agree yet there may be two for a
    /// moment, which does no harm.
    public var recordingKeeper: NodeID? {
        let able = Candidates(view.members, in: region, with: [.origin, .recorder])
        return able.working(1, of: RankingKey(region)).lazy.map { able.members[$0] }.first(where: \.takesWork)?.id
    }
}
