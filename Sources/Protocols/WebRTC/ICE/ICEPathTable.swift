// SPDX-License-Identifier: Apache-2.0

/// The proven paths of a session, and the last transactions that came on them.
///
/// A check that was overheard can be sent again from another address, to draw the media there. A transaction belongs to
/// one path, so within the last 16 the second path is not believed. (Behind that memory a replayed nomination lasts until
/// the party's next check.)
struct ICEPathTable: Sendable {
    /// What became of the path.
    enum Outcome: Hashable, Sendable {
        /// It was there.
        case known
        /// It is new.
        case new
        /// It is new and has the place of another.
        case replaced(ICEPath)
    }

    private struct Visit: Sendable {
        let transaction: UInt64
        let slot: Int8
    }

    private let maximum: Int
    private var paths: [ICEPath] = []
    /// When each path was last heard, counted in checks.
    private var turns: [UInt32] = []
    private var turn: UInt32 = 0
    private var visits: [Visit] = []
    private var oldestVisit = 0

    init(maximum: Int) {
        precondition((1...100).contains(maximum), "\(maximum) paths")
        self.maximum = maximum
    }

    func contains(_ path: ICEPath) -> Bool { paths.contains(path) }

    /// Whether the transaction was not seen on another path.
    func isFresh(_ transaction: STUNTransactionID, on path: ICEPath) -> Bool {
        guard let visit = visits.first(where: { $0.transaction == transaction.low }) else { return true }
        return visit.slot >= 0 && paths[Int(visit.slot)] == path
    }

    /// Remembers the transaction and its path. Where there is no room, the path heard longest ago but `kept` gives way.
    mutating func note(_ transaction: STUNTransactionID, on path: ICEPath, keeping kept: ICEPath?) -> Outcome {
        turn &+= 1
        let (slot, outcome) = place(for: path, keeping: kept)
        turns[slot] = turn
        remember(Visit(transaction: transaction.low, slot: Int8(truncatingIfNeeded: slot)))
        return outcome
    }

    private mutating func place(for path: ICEPath, keeping kept: ICEPath?) -> (slot: Int, Outcome) {
        if let slot = paths.firstIndex(of: path) { return (slot, .known) }
        if paths.count < maximum {
            paths.append(path)
            turns.append(0)
            return (paths.count - 1, .new)
        }
        let others = paths.indices.filter { paths[$0] != kept || maximum == 1 }
        let slot = others.min { turns[$0] < turns[$1] } ?? 0
        let old = paths[slot]
        paths[slot] = path
        for index in visits.indices where Int(visits[index].slot) == slot {
            visits[index] = Visit(transaction: visits[index].transaction, slot: -1)
        }
        return (slot, .replaced(old))
    }

    private mutating func remember(_ visit: Visit) {
        if visits.count < Self.memory {
            visits.append(visit)
        } else {
            visits[oldestVisit] = visit
            oldestVisit = (oldestVisit + 1) % Self.memory
        }
    }

    private static let memory = 16
}
