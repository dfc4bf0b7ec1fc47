// SPDX-License-Identifier: Apache-2.0

/// The packets of a ring in ascending order, in a circle of fixed size.
struct PacketQueue: Sendable {
    private var slots: [PacketRing.Packet?]
    private var head = 0
    private(set) var count = 0
    private let mask: Int

    init(capacity: Int) {
        var size = 1
        while size < capacity { size *= 2 }
        slots = Array(repeating: nil, count: size)
        mask = size - 1
    }

    var isFull: Bool { count == slots.count }

    var first: PacketRing.Packet? { count == 0 ? nil : slots[head] }

    mutating func append(_ packet: PacketRing.Packet) {
        precondition(!isFull, "a queue of \(count) is full")
        slots[(head + count) & mask] = packet
        count += 1
    }

    mutating func removeFirst() -> PacketRing.Packet? {
        guard count > 0 else { return nil }
        defer {
            head = (head + 1) & mask
            count -= 1
        }
        return slots[head]
    }

    /// Numbers are on end but for those that were skipped: the place is at or behind where it would be without skips.
    func find(_ sequence: Int64) -> PacketRing.Packet? {
        guard let first, let last = self[count - 1] else { return nil }
        guard (first.sequence...last.sequence).contains(sequence) else { return nil }
        var (low, high) = (max(0, count - 1 - Int(clamping: last.sequence - sequence)), count - 1)
        if let packet = self[low], packet.sequence == sequence { return packet }
        while low <= high {
            let middle = (low + high) / 2
            guard let packet = self[middle] else { return nil }
            if packet.sequence == sequence { return packet }
            if packet.sequence < sequence { low = middle + 1 } else { high = middle - 1 }
        }
        return nil
    }

    private subscript(index: Int) -> PacketRing.Packet? { slots[(head + index) & mask] }

    mutating func forEachMutable(_ body: (inout PacketRing.Packet) -> Void) {
        for index in 0..<count {
            let slot = (head + index) & mask
            guard var packet = slots[slot] else { continue }
            body(&packet)
            slots[slot] = packet
        }
    }
}
