// SPDX-License-Identifier: Apache-2.0

/// Where in a table the members of names are, by the names' numbers: a hash table with open addresses. Every rumour is
/// looked up, and most are old news; so places lie side by side, and the number of a name is not hashed again.
struct NameIndex: Sendable {
    private struct Slot: Sendable {
        /// The upper half of the number.
        var tag: UInt32 = 0
        /// The place plus one; 0 where the slot is free.
        var place: UInt32 = 0
    }

    private var slots = [Slot](repeating: Slot(), count: 16)
    private var count = 0

    /// The place of this number for which the closure holds: different names may have one number.
    func place(of number: UInt64, _ isMeant: (Int) -> Bool) -> Int? {
        let tag = Self.tag(of: number)
        var index = Int(tag) & (slots.count - 1)
        while slots[index].place != 0 {
            let place = Int(slots[index].place) - 1
            if slots[index].tag == tag, isMeant(place) { return place }
            index = next(index)
        }
        return nil
    }

    /// Adds a place that is not in it.
    mutating func insert(_ place: Int, number: UInt64) {
        count += 1
        if 2 * count > slots.count { grow() }
        put(Slot(tag: Self.tag(of: number), place: UInt32(place + 1)))
    }

    /// Removes a place, if it is in it, and moves those that stood behind it for want of room nearer to where they belong.
    mutating func remove(_ place: Int, number: UInt64) {
        var index = Int(Self.tag(of: number)) & (slots.count - 1)
        while slots[index].place != UInt32(place + 1) {
            guard slots[index].place != 0 else { return }
            index = next(index)
        }
        count -= 1
        slots[index] = Slot()
        index = next(index)
        while slots[index].place != 0 {
            let moved = slots[index]
            slots[index] = Slot()
            put(moved)
            index = next(index)
        }
    }

    private mutating func put(_ slot: Slot) {
        var index = Int(slot.tag) & (slots.count - 1)
        while slots[index].place != 0 { index = next(index) }
        slots[index] = slot
    }

    private mutating func grow() {
        let before = slots
        slots = [Slot](repeating: Slot(), count: 2 * before.count)
        for slot in before where slot.place != 0 { put(slot) }
    }

    private func next(_ index: Int) -> Int { (index + 1) & (slots.count - 1) }

    private static func tag(of number: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: number >> 32) }
}
