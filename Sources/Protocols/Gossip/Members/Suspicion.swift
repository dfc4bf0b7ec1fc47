// SPDX-License-Identifier: Apache-2.0

import Identity

/// The time that a suspect has left to refute. Every further accuser makes it shorter (Lifeguard): one accuser alone may
/// be the one who is cut off.
struct Suspicion: Sendable {
    /// The suspect's place in the table.
    let place: Int
    /// When the suspect is dead.
    private(set) var deadline: Duration
    /// When this node asks the suspect itself, over a stream, once: whom the refutation did not reach is few, and learns it
    /// so whatever datagrams are lost.
    private(set) var checkAt: Duration
    private var begin: Duration
    private let minimum: Duration
    private let maximum: Duration
    private let wanted: Int
    private var accusers: [NodeID]

    /// A suspicion of one accuser in a pool of `members`, this node included.
    init(place: Int, accuser: NodeID, members: Int, settings: GossipSettings, now: Duration) {
        self.place = place
        begin = now
        minimum = settings.minimumSuspicion(members: members)
        wanted = settings.confirmations(members: members)
        maximum = wanted == 0 ? minimum : minimum * settings.maximumSuspicionMultiplier
        accusers = [accuser]
        deadline = now + maximum
        checkAt = now + minimum / 2
    }

    /// Counts another accuser; whether it was one that counts, and so is worth telling on.
    mutating func confirm(by accuser: NodeID, now: Duration) -> Bool {
        guard accusers.count <= wanted, !accusers.contains(accuser) else { return false }
        accusers.append(accuser)
        deadline = max(now, begin + timeout(confirmations: accusers.count - 1))
        return true
    }

    /// Whether not even half of the shortest time is over.
    func isYoung(now: Duration) -> Bool { now < begin + minimum / 2 }

    /// What is due first.
    var next: Duration { min(deadline, checkAt) }

    mutating func check() { checkAt = .never }

    /// Gives all of the time that this node did not run.
    mutating func postpone(by pause: Duration) {
        begin += pause
        deadline += pause
        if checkAt != .never { checkAt += pause }
    }

    private func timeout(confirmations: Int) -> Duration {
        guard wanted > 0 else { return minimum }
        let share = Logarithm.natural(Double(confirmations + 1)) / Logarithm.natural(Double(wanted + 1))
        return max(minimum, maximum - (maximum - minimum) * share)
    }
}
