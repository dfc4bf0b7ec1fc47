// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What a store that arbitrates between gateways says to one that claims a term.
public enum LeaseAnswer: Hashable, Sendable {
    /// The term is the claimer's.
    case granted
    /// It is not: `highest` was claimed before. `holder` has a living lease of it; nil where nobody has, and a term above
    /// would be granted.
    case refused(highest: Term, holder: NodeID?)
    /// There was no answer in time: the rules of gossip count alone.
    case unreachable
}
