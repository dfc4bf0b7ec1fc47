// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// News that wait for room in datagrams. Members go before streams and streams before regions; within each, what was
/// told least goes first, and of that the newest. A newer rumour about a subject replaces the older one, and one that
/// was told often enough is forgotten: it is everywhere, or the comparison of states will carry it.
struct RumourQueue: Sendable {
    private struct Slot: Sendable {
        var rumour: Rumour
        var size: Int
        var transmits: Int
        /// Which use of the slot this is; a ticket of an older use is void.
        var stamp: UInt32
    }

    private struct Ticket: Sendable {
        var slot: Int
        var stamp: UInt32
    }

    private var slots: [Slot] = []
    private var vacant: [Int] = []
    private var places: [Rumour.Subject: Int] = [:]
    /// By urgency, then by how often told.
    private var lanes: [[[Ticket]]] = [[], [], []]
    private var tickets = 0
    private var stamp: UInt32 = 0
    private var promoted: [(lane: Int, level: Int, ticket: Ticket)] = []

    /// How many rumours wait.
    var count: Int { places.count }
    var isEmpty: Bool { places.isEmpty }
    /// Whether more news of members than a datagram holds were told twice or less.
    var isCrowded: Bool { lanes[0].prefix(3).reduce(0) { $0 + $1.count } > Self.datagram }

    /// How often the rumour told most was told.
    var mostTransmits: Int { places.values.reduce(0) { max($0, slots[$1].transmits) } }

    /// Adds news, in place of older ones about the same subject.
    mutating func insert(_ rumour: Rumour) {
        stamp &+= 1
        let subject = rumour.subject
        let slot = Slot(rumour: rumour, size: rumour.encodedSize, transmits: 0, stamp: stamp)
        let place: Int
        if let known = places[subject] {
            place = known
            slots[place] = slot
        } else if let free = vacant.popLast() {
            place = free
            slots[place] = slot
        } else {
            place = slots.count
            slots.append(slot)
        }
        places[subject] = place
        file(Ticket(slot: place, stamp: stamp), lane: rumour.lane, level: 0)
        if tickets > 2 * places.count + 64 { dropVoidTickets() }
    }

    /// Takes what fits in `room` bytes, at most `most` rumours, and counts it as told.
    /// - Parameter limit: how often a rumour is told in all.
    mutating func take(room: Int, most: Int, limit: Int, into rumours: inout [Rumour]) {
        guard !places.isEmpty else { return }
        var room = room
        for lane in lanes.indices {
            for level in lanes[lane].indices
            where !lanes[lane][level].isEmpty && room >= Rumour.smallest && rumours.count < most {
                take(lane: lane, level: level, room: &room, most: most, limit: limit, into: &rumours)
            }
        }
        for (lane, level, ticket) in promoted { file(ticket, lane: lane, level: level) }
        promoted.removeAll(keepingCapacity: true)
    }

    /// Whether a rumour about a member waits.
    func holds(_ id: NodeID) -> Bool { places[.member(id)] != nil }

    mutating func removeAll() {
        for place in places.values.sorted() { remove(place) }
        dropVoidTickets()
    }

    /// How often the rumour about a subject was told; nil where none waits.
    func transmits(of subject: Rumour.Subject) -> Int? { places[subject].map { slots[$0].transmits } }

    private mutating func take(
        lane: Int, level: Int, room: inout Int, most: Int, limit: Int, into rumours: inout [Rumour]
    ) {
        var waiting: [Ticket] = []
        swap(&waiting, &lanes[lane][level])
        var misfits: [Ticket] = []
        while rumours.count < most, misfits.count < Self.misfits, let ticket = waiting.popLast() {
            tickets -= 1
            guard slots[ticket.slot].stamp == ticket.stamp else { continue }
            guard slots[ticket.slot].size <= room else {
                misfits.append(ticket)
                continue
            }
            room -= slots[ticket.slot].size
            rumours.append(slots[ticket.slot].rumour)
            slots[ticket.slot].transmits += 1
            if slots[ticket.slot].transmits < limit {
                promoted.append((lane, level + 1, ticket))
            } else {
                remove(ticket.slot)
            }
        }
        swap(&waiting, &lanes[lane][level])
        for ticket in misfits.reversed() { file(ticket, lane: lane, level: level) }
    }

    private mutating func file(_ ticket: Ticket, lane: Int, level: Int) {
        while lanes[lane].count <= level { lanes[lane].append([]) }
        lanes[lane][level].append(ticket)
        tickets += 1
    }

    private mutating func remove(_ slot: Int) {
        stamp &+= 1
        places[slots[slot].rumour.subject] = nil
        slots[slot].stamp = stamp
        vacant.append(slot)
    }

    private mutating func dropVoidTickets() {
        tickets = 0
        for lane in lanes.indices {
            for level in lanes[lane].indices {
                lanes[lane][level].removeAll { slots[$0.slot].stamp != $0.stamp }
                tickets += lanes[lane][level].count
            }
        }
    }

    /// How many that do not fit are looked at before a level is left for the next: a bound on the work per datagram.
    private static let misfits = 4
    /// How many rumours about members a datagram holds, about.
    private static let datagram = 12
}
