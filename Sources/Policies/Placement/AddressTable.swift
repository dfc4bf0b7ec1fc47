// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// All addresses that begin with the same bits, `192.0.2.0/24`.
public struct AddressPrefix: Hashable, Sendable {
    /// An address with only the prefix's bits.
    public let address: IPAddress
    /// How many bits, 0 to 32 or 128.
    public let length: Int

    /// The prefix of `length` bits of an address, whose other bits do not matter; nil where it has not so many.
    public init?(_ address: IPAddress, length: Int) {
        let plain = address.plain
        guard (0...plain.width).contains(length) else { return nil }
        self.address = plain.masked(to: length)
        self.length = length
    }
}

/// Which addresses are where, as an operator says: the longest prefix counts.
public struct AddressTable: Sendable {
    private let regions: [AddressPrefix: Region]
    private let lengths: [Int]

    /// A table of prefixes. Where one stands twice, the last counts.
    public init(_ entries: some Sequence<(AddressPrefix, Region)>) {
        regions = Dictionary(entries) { $1 }
        lengths = Set(regions.keys.map(\.length)).sorted(by: >)
    }

    /// Where an address is; nil where no prefix has it. An IPv4 address written as IPv6, `::ffff:192.0.2.1`, is the IPv4
    /// address.
    public func region(of address: IPAddress) -> Region? {
        for length in lengths {
            if let prefix = AddressPrefix(address, length: length), let region = regions[prefix] { return region }
        }
        return nil
    }
}

extension IPAddress {
    fileprivate var width: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    fileprivate var plain: IPAddress {
        guard case .v6(0, let lower) = self, lower >> 32 == 0xFFFF else { return self }
        return .v4(UInt32(truncatingIfNeeded: lower))
    }

    fileprivate func masked(to length: Int) -> IPAddress {
        switch self {
        case .v4(let number): .v4(number & (UInt32.max << (32 - length)))
        case .v6(let upper, let lower):
            .v6(upper & (UInt64.max << max(64 - length, 0)), lower & (UInt64.max << min(128 - length, 64)))
        }
    }
}
