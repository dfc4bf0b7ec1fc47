// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A network by its prefix, in the notation of RFC 4632 §3.1 and RFC 4291 §2.3: `127.0.0.0/8`, `2001:db8::/32`.
public struct AddressPrefix: Hashable, Sendable {
    /// The first address of the network.
    public let first: PeerAddress
    /// How many of the 128 bits are fixed; an IPv4 prefix has 96 more than its notation says.
    public let length: Int

    /// The network of a text, an address alone being a network of one; nil where it is none, or has bits behind its
    /// prefix, which nobody means.
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = PeerAddress(try? SocketAddress(ipAddress: String(parts[0]), port: 0)) else { return nil }
        let isIPv4 = !parts[0].contains(":")
        let widest = isIPv4 ? 32 : 128
        let length = parts.count == 1 ? widest : Self.number(parts[1])
        guard let length, length <= widest else { return nil }
        self.first = first
        self.length = isIPv4 ? length + 96 : length
        guard first.high & ~highMask == 0, first.low & ~lowMask == 0 else { return nil }
    }

    /// Whether an address lies in the network.
    public func contains(_ address: PeerAddress) -> Bool {
        (address.high ^ first.high) & highMask == 0 && (address.low ^ first.low) & lowMask == 0
    }

    private var highMask: UInt64 { ~(UInt64.max >> length) }
    private var lowMask: UInt64 { ~(UInt64.max >> max(0, length - 64)) }

    /// Digits only: `Int` would take a sign.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int(text) : nil
    }
}

extension AddressPrefix: CustomStringConvertible {
    /// The notation that ``init(parsing:)`` takes, shortened as in RFC 5952; a network of one is its address alone.
    public var description: String {
        var packed = ByteBuffer()
        let isIPv4 = first.isIPv4 && length >= 96
        if isIPv4 {
            packed.writeInteger(UInt32(truncatingIfNeeded: first.low))
        } else {
            packed.writeInteger(first.high)
            packed.writeInteger(first.low)
        }
        let address = (try? SocketAddress(packedIPAddress: packed, port: 0))?.ipAddress ?? first.description
        return length == 128 ? address : "\(address)/\(isIPv4 ? length - 96 : length)"
    }
}

extension [AddressPrefix] {
    /// 127.0.0.0/8 and ::1: the machine itself.
    public static var loopback: Self { ["127.0.0.0/8", "::1"].compactMap(AddressPrefix.init(parsing:)) }

    /// The machine itself, and networks that the Internet does not carry: private ones (RFC 1918 §3), those between a
    /// provider and its customers (RFC 6598 §7), unique local (RFC 4193 §3.1) and link-local ones (RFC 4291 §2.5.6).
    public static var local: Self {
        let others = [
            "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10",
        ]
        return loopback + others.compactMap(AddressPrefix.init(parsing:))
    }

    /// Whether an address lies in one of the networks.
    public func contains(_ address: PeerAddress) -> Bool { contains { $0.contains(address) } }
}
