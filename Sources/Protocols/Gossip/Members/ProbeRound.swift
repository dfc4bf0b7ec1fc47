// SPDX-License-Identifier: Apache-2.0

import Cluster

/// In which order members are probed: each once in a round, rounds in a new order each (SWIM §4.3), so that a member is
/// probed at the latest after two rounds.
struct ProbeRound: Sendable {
    private var places: [Int] = []
    private var cursor = 0

    /// Adds a member somewhere in what is left of this round.
    mutating func insert(_ place: Int, into table: inout MemberTable) {
        guard !table.records[place].isInRound else { return }
        table.setInRound(place, true)
        places.append(place)
        let turn = Mixing.finish(UInt64(places.count)) % UInt64(places.count - cursor)
        places.swapAt(cursor + Int(turn), places.count - 1)
    }

    /// Whose turn it is; those who are gone fall out.
    mutating func next(of table: inout MemberTable, using random: inout some RandomNumberGenerator) -> Int? {
        if cursor >= places.count {
            cursor = 0
            places.shuffle(using: &random)
        }
        while cursor < places.count {
            let place = places[cursor]
            if table.records[place].member.health.isLive, !table.records[place].isVacant {
                cursor += 1
                return place
            }
            table.setInRound(place, false)
            places.swapAt(cursor, places.count - 1)
            places.removeLast()
        }
        guard !places.isEmpty else { return nil }
        return next(of: &table, using: &random)
    }
}
