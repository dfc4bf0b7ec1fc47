// SPDX-License-Identifier: Apache-2.0

public import Identity

/// A node as a cluster knows it.
public struct Member: Hashable, Sendable {
    /// What it said of itself.
    public var description: NodeDescription
    /// Which of its lives and refutations this is: Unix milliseconds at boot shifted left by 8, then counted up.
    public var incarnation: UInt64
    /// What is believed of it.
    public var health: MemberHealth

    /// A member of its parts.
    public init(description: NodeDescription, incarnation: UInt64, health: MemberHealth) {
        self.description = description
        self.incarnation = incarnation
        self.health = health
    }

    /// The node's name.
    public var id: NodeID { description.id }

    /// Whether new work may go there: alive, not suspected and not draining.
    public var takesWork: Bool { health == .alive && !description.isDraining }

    /// Whether it may have a stream before its term ends: an origin or an edge. Suspects count, as they may be well, and
    /// those that drain, as they have viewers until they end.
    public var mayHoldStreams: Bool {
        health <= .suspect && !description.roles.isDisjoint(with: [.origin, .edge])
    }
}

/// What is believed of a member. For one incarnation, a later case overrides the earlier ones.
public enum MemberHealth: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    /// It answers.
    case alive = 0
    /// It did not answer somebody: no new work goes there, work that it has stays.
    case suspect = 1
    /// It is gone without a word.
    case dead = 2
    /// It said that it goes.
    case left = 3

    /// Orders by how much it overrides.
    public static func < (left: MemberHealth, right: MemberHealth) -> Bool { left.rawValue < right.rawValue }
}
