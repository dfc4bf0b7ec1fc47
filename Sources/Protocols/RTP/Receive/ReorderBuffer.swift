// SPDX-License-Identifier: Apache-2.0

/// Puts one source's packets in order, and knows which are missing.
///
/// A packet that comes in order leaves at once and nothing is stored. Behind a hole packets wait until it is filled, or
/// until `patience` is over: then the hole counts as lost. Numbers that jump further than `capacity`, or stay behind for
/// `staleLimit` packets on end, are a source that began anew.
public struct ReorderBuffer: Sendable {
    /// What leaves the buffer, in order.
    public enum Output: Hashable, Sendable {
        /// So many packets are lost for good; 1 where a source began anew and nobody can tell.
        case lost(Int64)
        /// The next packet, and its number unwrapped.
        case packet(RTPPacket, Int64)
    }

    /// What was not let through, to be counted.
    public struct Counters: Hashable, Sendable {
        /// Packets that came a second time.
        public fileprivate(set) var duplicates = 0
        /// Packets that came after they were given up, or after they had left.
        public fileprivate(set) var late = 0
        /// Packets that were given up.
        public fileprivate(set) var lost: Int64 = 0
        /// Packets that filled a hole after they were asked for.
        public fileprivate(set) var recovered = 0
    }

    struct Hole: Sendable {
        let sequence: Int64
        let noticed: Duration
        var asked: Duration?
        var requests = 0
    }

    /// What was not let through so far.
    public private(set) var counters = Counters()
    /// How long it takes from asking for a packet to its coming; nil before one came that was asked for once.
    public internal(set) var roundTrip: Duration?
    let settings: ReorderSettings
    /// In ascending order; the first is where the buffer stands.
    var holes: [Hole] = []
    private var waiting: [(sequence: Int64, packet: RTPPacket)] = []
    private var numbers = WrappingCounter<UInt16>()
    private var next: Int64?
    private var isBeginning = false
    private var stale = 0

    /// A buffer for one source.
    public init(_ settings: ReorderSettings = ReorderSettings()) { self.settings = settings }

    /// Takes a packet that was sent again: it fills a hole, or is a little ahead. Senders also probe their way by sending
    /// again what came long ago, and one of another source must not move this one. Returns as `insert` does.
    public mutating func insert(repair packet: RTPPacket, now: Duration, into output: inout [Output]) -> Int64? {
        let sequence = numbers.peek(packet.header.sequenceNumber)
        guard let next, sequence >= next else {
            counters.late += 1
            return nil
        }
        guard sequence - (waiting.last?.sequence ?? next - 1) <= Self.furthestRepair else { return nil }
        return insert(packet, now: now, into: &output)
    }

    /// Takes a packet. Returns its number unwrapped; nil where it was known or came too late.
    @discardableResult
    public mutating func insert(_ packet: RTPPacket, now: Duration, into output: inout [Output]) -> Int64? {
        let number = packet.header.sequenceNumber
        let sequence = isBeginning ? numbers.advance(to: number) : numbers.unwrap(number)
        guard let next, sequence >= next else { return insertAtOrBefore(packet, sequence, &output) }
        stale = 0
        if sequence == next, waiting.isEmpty {
            self.next = next + 1
            output.append(.packet(packet, sequence))
            return sequence
        }
        let newest = waiting.last?.sequence ?? next - 1
        if sequence - newest > Int64(settings.capacity) {
            restart(at: sequence, packet, &output)
        } else if sequence > newest {
            for hole in newest + 1..<sequence { holes.append(Hole(sequence: hole, noticed: now)) }
            waiting.append((sequence, packet))
        } else {
            guard fill(packet, sequence, now) else { return nil }
        }
        release(&output)
        // Numbers that jump again and again leave more holes than packets, and each is looked at with each packet.
        while waiting.count > settings.capacity || holes.count > settings.capacity { giveUp(&output) }
        return sequence
    }

    /// Lets out all that waited. The next packet begins anew, its number above all before it.
    public mutating func begin(into output: inout [Output]) {
        while !waiting.isEmpty { giveUp(&output) }
        holes.removeAll()
        isBeginning = next != nil
        next = nil
    }

    /// Gives up what was waited for long enough.
    public mutating func tick(now: Duration, into output: inout [Output]) {
        while let first = holes.first, now >= first.noticed + settings.patience { giveUp(&output) }
    }

    /// How many packets wait behind a hole.
    public var count: Int { waiting.count }

    /// The last packets of a picture may be lost, and sent again before any other comes.
    private static let furthestRepair: Int64 = 64
}

extension ReorderBuffer {
    /// The very first packet, one that left already, or one of a source that began anew below.
    private mutating func insertAtOrBefore(
        _ packet: RTPPacket, _ sequence: Int64, _ output: inout [Output]
    ) -> Int64? {
        guard let next else {
            if isBeginning { lose(1, &output) }
            isBeginning = false
            self.next = sequence + 1
            output.append(.packet(packet, sequence))
            return sequence
        }
        counters.late += 1
        stale += 1
        guard stale >= settings.staleLimit, next - sequence > Int64(settings.capacity) else { return nil }
        let above = numbers.advance(to: packet.header.sequenceNumber)
        restart(at: above, packet, &output)
        return above
    }

    /// Puts a packet into its hole; false where it is there already.
    private mutating func fill(_ packet: RTPPacket, _ sequence: Int64, _ now: Duration) -> Bool {
        guard let index = holes.firstIndex(where: { $0.sequence == sequence }) else {
            counters.duplicates += 1
            return false
        }
        let hole = holes.remove(at: index)
        if let asked = hole.asked {
            counters.recovered += 1
            // One that was asked for twice does not tell which time it answers.
            if hole.requests == 1 { roundTrip = roundTrip.map { ($0 * 7 + (now - asked)) / 8 } ?? now - asked }
        }
        let place = waiting.firstIndex { $0.sequence > sequence } ?? waiting.endIndex
        waiting.insert((sequence, packet), at: place)
        return true
    }

    /// Lets out what stands in order.
    private mutating func release(_ output: inout [Output]) {
        guard var next, waiting.first?.sequence == next else { return }
        var count = 0
        while count < waiting.count, waiting[count].sequence == next {
            output.append(.packet(waiting[count].packet, next))
            next += 1
            count += 1
        }
        waiting.removeFirst(count)
        self.next = next
    }

    /// Gives up the first hole and those directly behind it, and lets out what stood behind them.
    private mutating func giveUp(_ output: inout [Output]) {
        guard let next, let first = waiting.first?.sequence else { return holes.removeAll() }
        holes.removeAll { $0.sequence < first }
        lose(first - next, &output)
        self.next = first
        release(&output)
    }

    /// Lets out all that waited, and begins anew with a packet.
    private mutating func restart(at sequence: Int64, _ packet: RTPPacket, _ output: inout [Output]) {
        while !waiting.isEmpty { giveUp(&output) }
        holes.removeAll()
        stale = 0
        next = sequence + 1
        lose(1, &output)
        output.append(.packet(packet, sequence))
    }

    private mutating func lose(_ count: Int64, _ output: inout [Output]) {
        guard count > 0 else { return }
        counters.lost += count
        output.append(.lost(count))
    }
}
