// SPDX-License-Identifier: Apache-2.0

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

    /// Parses dotted decimals, or groups of hexadecimal digits as RFC 4291 §2.2 has them, without a zone; an address of
    /// IPv4 inside IPv6 (`::ffff:192.0.2.1`) is the one of IPv4. Nil for anything else.
    public init?(parsing text: some StringProtocol) {
        if !text.contains(":") {
            guard let number = Self.dotted(text) else { return nil }
            self = .v4(number)
            return
        }
        guard let groups = Self.groups(of: text) else { return nil }
        let halves = groups.reduce((UInt64(0), UInt64(0))) { ($0.0 << 16 | $0.1 >> 48, $0.1 << 16 | UInt64($1)) }
        let isMapped = halves.0 == 0 && halves.1 >> 32 == 0xFFFF
        self = isMapped ? .v4(UInt32(truncatingIfNeeded: halves.1)) : .v6(halves.0, halves.1)
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

    /// Four decimal numbers up to 255, without leading zeros, which some read as octal.
    private static func dotted(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let byte = UInt8(part), String(byte) == part
            else { return nil }
            number = number << 8 | UInt32(byte)
        }
        return number
    }

    /// The eight groups of an address of IPv6.
    private static func groups(of text: some StringProtocol) -> [UInt16]? {
        var (sides, run): ([Substring], Substring) = ([], Substring(text))
        while let colons = firstDoubleColon(in: run) {
            sides.append(run[..<colons])
            run = run[run.index(colons, offsetBy: 2)...]
        }
        sides.append(run)
        guard sides.count <= 2 else { return nil }
        let parsed = sides.enumerated().compactMap { side(of: $1, isLast: $0 == sides.count - 1) }
        guard parsed.count == sides.count else { return nil }
        let known = parsed.reduce(0) { $0 + $1.count }
        guard parsed.count == 2 else { return known == 8 ? parsed[0] : nil }
        return known < 8 ? parsed[0] + [UInt16](repeating: 0, count: 8 - known) + parsed[1] : nil
    }

    private static func firstDoubleColon(in text: Substring) -> Substring.Index? {
        text.indices.first { text[$0] == ":" && text[text.index(after: $0)...].first == ":" }
    }

    /// Groups between colons, the last of which may be an address of IPv4.
    private static func side(of text: Substring, isLast: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if isLast, index == parts.count - 1, part.contains(".") {
                guard let number = dotted(part) else { return nil }
                groups += [UInt16(truncatingIfNeeded: number >> 16), UInt16(truncatingIfNeeded: number)]
            } else {
                guard (1...4).contains(part.utf8.count), part.first != "+", let group = UInt16(part, radix: 16) else {
                    return nil
                }
                groups.append(group)
            }
        }
        return groups
    }
}
