// SPDX-License-Identifier: Apache-2.0

/// Where a node can be reached: an IP address and a port.
public struct Endpoint: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// An address of IPv4 or IPv6.
    public let address: IPAddress
    /// The port, in host order.
    public let port: UInt16

    /// An endpoint of its parts.
    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// `192.0.2.1:7946` or `[2001:db8::1]:7946`.
    public var description: String {
        switch address {
        case .v4: "\(address):\(port)"
        case .v6: "[\(address)]:\(port)"
        }
    }

    /// Orders by address, then by port.
    public static func < (left: Endpoint, right: Endpoint) -> Bool {
        (left.address, left.port) < (right.address, right.port)
    }
}

/// An IP address, as numbers, so that it compares and hashes without a look at its text.
public enum IPAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// IPv4, host order: 127.0.0.1 is 0x7F000001.
    case v4(UInt32)
    /// IPv6, the upper and the lower 64 bits.
    case v6(UInt64, UInt64)

    /// From the four or sixteen bytes of an address in network order; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self = .v6(
                bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
        default: return nil
        }
    }

    /// The address in network order, 4 or 16 bytes.
    public var bytes: [UInt8] {
        switch self {
        case .v4(let number): (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
        case .v6(let upper, let lower):
            (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? upper : lower) >> (56 - 8 * ($0 % 8))) }
        }
    }

    /// Dotted decimals, or the canonical text of RFC 5952 §4.
    public var description: String {
        switch self {
        case .v4: bytes.map { String($0) }.joined(separator: ".")
        case .v6(let upper, let lower): Self.text(of: upper, lower)
        }
    }

    private static func text(of upper: UInt64, _ lower: UInt64) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? upper : lower) >> (48 - 16 * ($0 % 4))) }
        let zeros = longestRunOfZeros(groups)
        let texts = groups.map { String($0, radix: 16) }
        guard zeros.count > 1 else { return texts.joined(separator: ":") }
        return texts[..<zeros.lowerBound].joined(separator: ":") + "::"
            + texts[zeros.upperBound...].joined(separator: ":")
    }

    private static func longestRunOfZeros(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 { start = index + 1 }
            if index + 1 - start > longest.count { longest = start..<(index + 1) }
        }
        return longest
    }
}
