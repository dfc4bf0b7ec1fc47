// SPDX-License-Identifier: Apache-2.0

import Identity

/// All suspicions of a node, and when the first of them is over.
struct SuspicionList: Sendable {
    private var suspicions: [Suspicion] = []
    /// No later than the first deadline.
    private(set) var deadline: Duration = .never

    mutating func insert(_ suspicion: Suspicion, into table: inout MemberTable) {
        table.setSuspicion(suspicion.place, suspicions.count)
        suspicions.append(suspicion)
        deadline = min(deadline, suspicion.next)
    }

    mutating func confirm(_ place: Int, by accuser: NodeID, in table: MemberTable, now: Duration) -> Bool {
        let position = Int(table.records[place].suspicion)
        guard suspicions[position].confirm(by: accuser, now: now) else { return false }
        deadline = min(deadline, suspicions[position].next)
        return true
    }

    /// Whether a member is suspected for so short a time that nobody can have judged it already.
    func isYoung(_ place: Int, in table: MemberTable, now: Duration) -> Bool {
        let position = Int(table.records[place].suspicion)
        return position >= 0 && suspicions[position].isYoung(now: now)
    }

    mutating func remove(_ place: Int, from table: inout MemberTable) {
        let position = Int(table.records[place].suspicion)
        guard position >= 0 else { return }
        table.setSuspicion(place, -1)
        suspicions.swapAt(position, suspicions.count - 1)
        suspicions.removeLast()
        if position < suspicions.count { table.setSuspicion(suspicions[position].place, position) }
        if suspicions.isEmpty { deadline = .never }
    }

    /// The places of those who are to be asked themselves: none where so many are suspected that it is a cut.
    mutating func checks(now: Duration) -> [Int] {
        var places: [Int] = []
        for index in suspicions.indices where suspicions[index].checkAt <= now {
            suspicions[index].check()
            if suspicions.count <= Self.checked { places.append(suspicions[index].place) }
        }
        return places
    }

    /// The places of those whose time is over.
    mutating func expired(now: Duration) -> [Int] {
        deadline = suspicions.reduce(.never) { $1.next > now ? min($0, $1.next) : $0 }
        return suspicions.filter { $0.deadline <= now }.map(\.place)
    }

    mutating func postpone(by pause: Duration) {
        for index in suspicions.indices { suspicions[index].postpone(by: pause) }
        if !suspicions.isEmpty { deadline += pause }
    }

    private static let checked = 32
}
