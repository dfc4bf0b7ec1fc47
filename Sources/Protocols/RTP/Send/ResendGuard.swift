// SPDX-License-Identifier: Apache-2.0

/// Which packets a viewer may be sent again, so that a viewer who asks for everything is sent at most a quarter more.
/// Plain bytes.
///
/// A packet is not sent again within a round trip, nor more than five times: at 5 % loss three would leave some pictures
/// an hour unmended. What is sent again stays below a quarter of what is sent, beyond a burst of 64 KiB.
public struct ResendGuard: Sendable {
    private var slots: [64 of Slot] = .init(repeating: Slot())
    private var credit = Self.burst

    private struct Slot {
        var number: UInt16 = 0
        var isVideo = false
        var times: UInt8 = 0
        /// Milliseconds, modulo 2^32.
        var last: UInt32 = 0
    }

    /// Nothing was sent.
    public init() {}

    /// Counts what was sent for the first time.
    public mutating func sent(bytes: Int) { credit = min(Self.burst, credit + bytes / 4) }

    /// Whether a packet of `length` bytes may be sent again now; it then counts as sent.
    public mutating func allows(
        _ number: UInt16, of kind: SendKind, length: Int, roundTrip: Duration?, now: Duration
    ) -> Bool {
        guard credit >= length else { return false }
        let time = Self.milliseconds(now)
        let index = Int(number & 63)
        if slots[index].number == number, slots[index].isVideo == (kind == .video), slots[index].times > 0 {
            let pause = max(Self.milliseconds(roundTrip ?? Self.usualRoundTrip), Self.shortestPause)
            guard time &- slots[index].last >= pause, slots[index].times < Self.mostTimes else { return false }
        } else {
            slots[index] = Slot(number: number, isVideo: kind == .video)
        }
        slots[index].times += 1
        slots[index].last = time
        credit -= length
        return true
    }

    private static func milliseconds(_ duration: Duration) -> UInt32 {
        let (seconds, attoseconds) = duration.components
        return UInt32(truncatingIfNeeded: seconds &* 1000 &+ attoseconds / 1_000_000_000_000_000)
    }

    private static let burst = 64 << 10
    private static let mostTimes: UInt8 = 5
    private static let shortestPause: UInt32 = 20
    /// What is assumed before the first report tells.
    private static let usualRoundTrip: Duration = .milliseconds(70)
}
