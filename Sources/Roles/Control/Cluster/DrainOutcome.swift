// SPDX-License-Identifier: Apache-2.0

/// What came of the wish to drain a node.
public enum DrainOutcome: Hashable, Sendable {
    /// This node is in no cluster: nobody could take over what it has.
    case alone
    /// The node was told, now or before.
    case begun
    /// The node is dead or has left.
    case gone
    /// No member has that name.
    case unknownNode
    /// The node did not answer.
    case unreachable
}
