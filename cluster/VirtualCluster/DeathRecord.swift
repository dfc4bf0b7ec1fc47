// SPDX-License-Identifier: Apache-2.0

import Cluster

/// When nodes died and when the others knew, and who was called dead and was not.
public struct DeathRecord: Sendable {
    /// One death or leave, and what the others saw of it.
    public struct Entry: Sendable {
        /// When it happened.
        public let time: Duration
        /// Who does not know yet that the node is gone.
        public internal(set) var unaware: Set<Int>
        /// Who does not even suspect it.
        public internal(set) var unsuspecting: Set<Int>
        /// How long until the first suspected it.
        public internal(set) var firstSuspicion: Duration?
        /// How long until all did.
        public internal(set) var lastSuspicion: Duration?
        /// How long until the first knew.
        public internal(set) var firstKnown: Duration?
        /// How long until all did.
        public internal(set) var lastKnown: Duration?
    }

    /// By node, of its last death.
    public private(set) var entries: [Int: Entry] = [:]
    /// By node, of its last leave.
    public private(set) var leaves: [Int: Entry] = [:]
    /// How often a node that runs was called dead by one that should know better.
    public private(set) var falseDeaths = 0
    /// Who was called dead by whom, and when, of the first such cases.
    public private(set) var falseDeathDetails: [String] = []
    /// While this is set, nobody can know better.
    public var excusesAll = false
    /// Who may be called dead, or call others so, at present.
    public var excused: Set<Int> = []
    /// Who may be called dead, but may call nobody else so.
    public var excusedSubjects: Set<Int> = []

    mutating func crash(_ node: Int, at time: Duration, observers: Set<Int>) {
        entries[node] = Entry(time: time, unaware: observers, unsuspecting: observers)
        forget(node)
    }

    mutating func leave(_ node: Int, at time: Duration, observers: Set<Int>) {
        leaves[node] = Entry(time: time, unaware: observers, unsuspecting: observers)
    }

    mutating func note(
        _ health: MemberHealth, of subject: Int, by observer: Int, runs: Bool, at time: Duration
    ) {
        if runs, health == .dead, !excusesAll, !excusedSubjects.contains(subject), !excused.contains(subject),
            !excused.contains(observer)
        {
            falseDeaths += 1
            if falseDeathDetails.count < 5 { falseDeathDetails.append("node \(subject) by \(observer) at \(time)") }
        }
        if !runs, health >= .suspect { entries[subject]?.note(health, by: observer, at: time) }
        if health >= .dead { leaves[subject]?.note(health, by: observer, at: time) }
    }

    /// A node that dies itself learns of no other death.
    private mutating func forget(_ observer: Int) {
        for node in entries.keys {
            entries[node]?.unaware.remove(observer)
            entries[node]?.unsuspecting.remove(observer)
        }
    }
}

extension DeathRecord.Entry {
    fileprivate mutating func note(_ health: MemberHealth, by observer: Int, at now: Duration) {
        let age = now - time
        if unsuspecting.remove(observer) != nil {
            firstSuspicion = firstSuspicion ?? age
            if unsuspecting.isEmpty { lastSuspicion = age }
        }
        guard health >= .dead, unaware.remove(observer) != nil else { return }
        firstKnown = firstKnown ?? age
        if unaware.isEmpty { lastKnown = age }
    }
}
