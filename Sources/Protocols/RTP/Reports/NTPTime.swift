// SPDX-License-Identifier: Apache-2.0

public import Media

/// A time as RTCP writes it, RFC 3550 §4: seconds since 1900 in 32 bits and their fraction in 32.
public struct NTPTime: Hashable, Sendable {
    /// The 64 bits.
    public let bits: UInt64

    /// A time of its wire value.
    public init(bits: UInt64) { self.bits = bits }

    /// The civil time `elapsed` after `beginning`, to the nanosecond.
    public init(_ beginning: WallTime, elapsed: Duration = .zero) {
        let time = Duration.milliseconds(beginning.milliseconds) + elapsed
        let (seconds, attoseconds) = time.components
        let fraction = UInt64(truncatingIfNeeded: attoseconds / 1_000_000_000) << 32 / 1_000_000_000
        bits = UInt64(truncatingIfNeeded: seconds &+ Self.from1900To1970) << 32 &+ fraction
    }

    /// The middle 32 bits, which reports echo: units of 2^-16 s.
    public var middle: UInt32 { UInt32(truncatingIfNeeded: bits >> 16) }

    /// How much later this is than `other`, within 68 years.
    public func elapsed(since other: NTPTime) -> Duration {
        let difference = Int64(bitPattern: bits &- other.bits)
        return .seconds(difference >> 32) + .nanoseconds(((difference & 0xFFFF_FFFF) * 1_000_000_000) >> 32)
    }

    private static let from1900To1970: Int64 = 2_208_988_800
}

extension Duration {
    /// A duration of RTCP's short form, units of 2^-16 s.
    init(short units: UInt32) { self = .nanoseconds((Int64(units) * 1_000_000_000) >> 16) }

    /// The duration in units of 2^-16 s, cut to what fits.
    var short: UInt32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0 else { return 0 }
        guard seconds < 65_536 else { return .max }
        return UInt32(truncatingIfNeeded: seconds << 16 + (attoseconds / 1_000_000_000) << 16 / 1_000_000_000)
    }
}
