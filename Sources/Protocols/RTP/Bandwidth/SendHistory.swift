// SPDX-License-Identifier: Apache-2.0

/// When packets were sent that the viewer has not told about yet.
struct SendHistory: Sendable {
    struct Packet: Sendable {
        let number: UInt16
        let bytes: Int
        let sent: Duration
    }

    /// By number; empty until the first packet, as most viewers have no need of it.
    private var packets: [Packet?] = []
    private var reference: Int64?

    mutating func append(_ number: UInt16, bytes: Int, now: Duration) {
        if packets.isEmpty { packets = Array(repeating: nil, count: Self.capacity) }
        packets[Int(number) % Self.capacity] = Packet(number: number, bytes: bytes, sent: now)
    }

    /// The packet of a number, which is told of once.
    mutating func remove(_ number: UInt16) -> Packet? {
        guard !packets.isEmpty, let packet = packets[Int(number) % Self.capacity], packet.number == number else {
            return nil
        }
        packets[Int(number) % Self.capacity] = nil
        return packet
    }

    /// The viewer's time that a reference of 24 bits stands for, on a line that does not wrap.
    mutating func arrival(_ wire: Int32) -> Duration {
        let value = Int64(wire)
        let last = reference ?? value
        let step = ((value &- last) << 40) >> 40
        reference = last &+ step
        return TransportFeedback.referenceUnit * Int(last &+ step)
    }

    /// 1 s of 1000 packets, a power of two so that numbers go on across their wrap.
    private static let capacity = 1024
}

/// Bits a second that arrive, over half a second.
struct ArrivalRate: Sendable {
    private(set) var bitsPerSecond: Double?
    private var bytes = 0
    private var begin: Duration?

    mutating func count(bytes count: Int, arrival: Duration) {
        guard let begin, arrival >= begin else {
            self.begin = arrival
            bytes = 0
            return
        }
        bytes += count
        let elapsed = (arrival - begin) / .seconds(1)
        guard elapsed >= 0.5 else { return }
        let rate = Double(bytes) * 8 / elapsed
        bitsPerSecond = bitsPerSecond.map { $0 * 0.5 + rate * 0.5 } ?? rate
        self.begin = arrival
        bytes = 0
    }
}

/// The share of packets that is lost, over the last second.
struct LossRate: Sendable {
    /// nil before the first second.
    private(set) var value: Double?
    private var lost = 0
    private var all = 0
    private var begin: Duration?

    mutating func count(isLost: Bool, now: Duration) {
        let since = begin ?? now
        begin = since
        all += 1
        if isLost { lost += 1 }
        guard now - since >= .seconds(1), all >= 20 else { return }
        value = Double(lost) / Double(all)
        (lost, all, begin) = (0, 0, now)
    }
}
