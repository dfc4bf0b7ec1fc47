// SPDX-License-Identifier: Apache-2.0

import Bytes

/// When a packet left its sender: seconds modulo 64, in 24 bits of which 18 are the fraction (the header extension
/// `abs-send-time`).
public struct AbsoluteSendTime: Hashable, Sendable {
    /// Units of 2^-18 s, below 2^24.
    public let ticks: UInt32

    /// A time of its wire value; bits above 24 are dropped.
    public init(ticks: UInt32) { self.ticks = ticks & 0xFF_FFFF }

    /// The time of `now`, whose beginning is arbitrary as that of the wire is.
    public init(_ now: Duration) {
        let (seconds, attoseconds) = now.components
        let fraction = (attoseconds / 1_000_000_000_000) << 18 / 1_000_000
        self.init(ticks: UInt32(truncatingIfNeeded: seconds << 18 &+ fraction))
    }

    /// Appends its three bytes.
    public func append(to bytes: inout [UInt8]) { bytes.append(bigEndian24: ticks) }
}

/// The least and the most that a receiver should hold pictures back, in units of 10 ms up to 40.95 s (the header
/// extension `playout-delay`).
public struct PlayoutDelay: Hashable, Sendable {
    /// The least.
    public let minimum: Duration
    /// The most; not below `minimum`.
    public let maximum: Duration

    /// Delays rounded down to 10 ms and cut to what fits.
    public init(minimum: Duration, maximum: Duration) {
        self.init(wire: Self.units(minimum) << 12 | Self.units(maximum))
    }

    /// Play at once: a player that is sent more than real time catches up instead of keeping it as delay.
    public static let none = PlayoutDelay(minimum: .zero, maximum: .zero)

    /// Appends its three bytes.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(bigEndian24: Self.units(minimum) << 12 | Self.units(maximum))
    }

    init(wire: UInt32) {
        minimum = .milliseconds(10 * Int64(wire >> 12 & 0xFFF))
        maximum = max(minimum, .milliseconds(10 * Int64(wire & 0xFFF)))
    }

    private static func units(_ delay: Duration) -> UInt32 {
        let (seconds, attoseconds) = min(max(delay, .zero), .milliseconds(40_950)).components
        return UInt32(truncatingIfNeeded: seconds * 100 + attoseconds / 10_000_000_000_000_000)
    }
}
