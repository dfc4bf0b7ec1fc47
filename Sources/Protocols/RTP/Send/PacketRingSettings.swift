// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// How much of a layer is kept for viewers that join, and for those that miss packets.
public struct PacketRingSettings: Hashable, Sendable {
    /// How many packets, rounded up to a power of two.
    public var packets: Int
    /// The memory that is taken at first.
    public var initial: ByteCount
    /// The memory that is taken at most; the oldest packets go before it is passed.
    public var longest: ByteCount
    /// The longest payload in bytes.
    public var longestPayload = 1500
    /// Whether the last packet of an access unit bears the marker, as those of pictures do (RFC 3551 §5).
    public var marksEnds = true

    /// Settings of their parts.
    public init(packets: Int, initial: ByteCount, longest: ByteCount) {
        precondition(packets > 0 && longest.bytes >= 65_536 && longest.bytes <= 1 << 30, "a ring of \(longest)")
        self.packets = packets
        self.initial = initial
        self.longest = longest
    }

    /// 2 s of pictures at 8 Mbit/s, and at usual rates a group of pictures of 4 s and more.
    public static let video = PacketRingSettings(packets: 2048, initial: .kibibytes(64), longest: .mebibytes(4))
    /// 5 s of sound in packets of 20 ms.
    public static let audio: PacketRingSettings = {
        var settings = PacketRingSettings(packets: 256, initial: .kibibytes(16), longest: .kibibytes(128))
        settings.marksEnds = false
        return settings
    }()
}
