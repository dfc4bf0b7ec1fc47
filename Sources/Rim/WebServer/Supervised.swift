// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What is looked at twice a second, for its deadlines. One walk over an array is cheaper than a timer each.
public class Supervised {
    /// Where it stands in its loop's array; -1 outside.
    fileprivate final var position = -1

    /// Compares its deadlines with the time.
    func tick(now: NIODeadline) {}
}

/// The supervised of one event loop.
struct SupervisedTable {
    private var members: ContiguousArray<Supervised> = []

    var isEmpty: Bool { members.isEmpty }

    mutating func insert(_ member: Supervised) {
        precondition(member.position == -1, "supervised twice")
        member.position = members.count
        members.append(member)
    }

    mutating func remove(_ member: Supervised) {
        guard member.position >= 0 else { return }
        let last = members.removeLast()
        if last !== member {
            members[member.position] = last
            last.position = member.position
        }
        member.position = -1
    }

    /// The members now, for a walk during which they may leave.
    var snapshot: ContiguousArray<Supervised> { members }
}

/// Watches over bytes that wait to be sent: time runs while their number stays the same and is not zero.
struct StallWatch {
    private var pending = 0
    private var since: NIODeadline?

    /// Takes the number of waiting bytes; returns whether it has stood still for `timeout`.
    mutating func isStalled(pending bytes: Int, now: NIODeadline, timeout: TimeAmount) -> Bool {
        guard bytes > 0, bytes == pending, let since else {
            pending = bytes
            since = bytes > 0 ? now : nil
            return false
        }
        return now - since >= timeout
    }
}
