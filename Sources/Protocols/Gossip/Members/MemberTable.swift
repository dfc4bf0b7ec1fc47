// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// All members of a pool but this node. Each has a place, which stays its own until it is forgotten; those who live are
/// also in a list without holes, from which chance picks.
struct MemberTable: Sendable {
    struct Record: Sendable {
        var member: Member
        /// When its health last changed.
        var changed: Duration
        /// Where it stands in `live`; −1 where it does not.
        var livePosition: Int32 = -1
        /// Where its suspicion stands in the list of them; −1 where there is none.
        var suspicion: Int32 = -1
        /// Whether it waits to be probed in this round.
        var isInRound = false
        var isVacant = false

        init(member: Member, changed: Duration) {
            self.member = member
            self.changed = changed
        }

        fileprivate var digest: UInt64 { MemberTable.digest(of: member) }
    }

    /// By place. Vacant ones are of members forgotten.
    private(set) var records: [Record] = []
    /// The places of all alive and suspect.
    private(set) var live: [Int] = []
    /// The places of all dead and left.
    private(set) var gone: [Int] = []
    /// The sum of a hash of each live member's name and incarnation: equal tables have equal sums, in whatever order.
    private(set) var digest: UInt64 = 0
    private var names = NameIndex()
    private var vacant: [Int] = []

    static func digest(of member: Member) -> UInt64 {
        Mixing.finish(member.id.number ^ Mixing.finish(member.incarnation))
    }

    func place(of id: NodeID) -> Int? { names.place(of: id.number) { records[$0].member.id == id } }

    subscript(place: Int) -> Member { records[place].member }

    /// All members, in the order of their places.
    var members: [Member] { records.lazy.filter { !$0.isVacant }.map(\.member) }

    mutating func insert(_ member: Member, now: Duration) -> Int {
        let record = Record(member: member, changed: now)
        let place: Int
        if let free = vacant.popLast() {
            place = free
            records[place] = record
        } else {
            place = records.count
            records.append(record)
        }
        names.insert(place, number: member.id.number)
        file(place)
        return place
    }

    /// Replaces what is known of a member; keeps lists and digest right.
    mutating func update(_ place: Int, now: Duration, _ change: (inout Member) -> Void) {
        let before = records[place].member.health
        if before.isLive { digest &-= records[place].digest }
        change(&records[place].member)
        let after = records[place].member.health
        if before != after { records[place].changed = now }
        if before.isLive == after.isLive {
            if after.isLive { digest &+= records[place].digest }
            return
        }
        if before.isLive { removeFromLive(place) } else { gone.removeAll { $0 == place } }
        file(place)
    }

    mutating func setInRound(_ place: Int, _ isInRound: Bool) { records[place].isInRound = isInRound }

    mutating func setSuspicion(_ place: Int, _ position: Int) { records[place].suspicion = Int32(position) }

    /// Forgets those who have been gone for `age`, and of more than `limit` the longest gone.
    /// - Returns: whom.
    mutating func forget(after age: Duration, limit: Int, now: Duration) -> [NodeID] {
        let excess = gone.count - limit
        var kept: [Int] = []
        var forgotten: [NodeID] = []
        for (index, place) in gone.enumerated() {
            if index >= excess, records[place].changed + age > now {
                kept.append(place)
            } else {
                forgotten.append(records[place].member.id)
                names.remove(place, number: records[place].member.id.number)
                records[place].isVacant = true
                vacant.append(place)
            }
        }
        gone = kept
        return forgotten
    }

    /// Lists a member that is new or has changed sides. `gone` is ordered by time.
    private mutating func file(_ place: Int) {
        guard records[place].member.health.isLive else {
            gone.append(place)
            return
        }
        records[place].livePosition = Int32(live.count)
        live.append(place)
        digest &+= records[place].digest
    }

    private mutating func removeFromLive(_ place: Int) {
        let position = Int(records[place].livePosition)
        live.swapAt(position, live.count - 1)
        records[live[position]].livePosition = Int32(position)
        live.removeLast()
        records[place].livePosition = -1
    }
}

extension MemberHealth {
    /// Whether the member counts as one of the pool: alive, or accused and not yet judged.
    var isLive: Bool { self <= .suspect }
}
