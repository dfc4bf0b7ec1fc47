// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What rankings mix: a stream, a viewer session, a region or a node as a number.
///
/// Every node must get the same number for the same name, whatever its version and machine, because nodes agree by
/// nothing but this. So texts are hashed by SipHash-2-4 with a fixed key, and both the key and the mixing below are part
/// of the cluster's protocol: a change of either moves every stream.
public struct RankingKey: Hashable, Sendable {
    /// 64 bits, evenly spread.
    public let number: UInt64

    /// The key of a known number.
    public init(number: UInt64) { self.number = number }

    /// A stream's key: of `app/name`.
    public init(_ stream: StreamID) { number = SipHash.ranking.hash(stream.description.utf8) }

    /// A node's key: of its name.
    public init(_ node: NodeID) { number = SipHash.ranking.hash(node.description.utf8) }

    /// A region's key: of its name.
    public init(_ region: Region) { number = SipHash.ranking.hash(region.description.utf8) }

    /// A viewer session's key. Sessions are random already, but not all are minted by us.
    public init(_ session: ViewerID) { number = Self.spread(session.number) }

    /// What two keys have in common: 64 bits that look random for every pair and are the same in both orders. Who is
    /// ranked for whom is decided by this alone, the highest number first.
    public func mixed(with other: RankingKey) -> UInt64 { Self.spread(number ^ other.number) }

    /// What stands for a node in the lists of those that a subscription passed: the upper half of its key.
    public var tag: UInt32 { UInt32(truncatingIfNeeded: number >> 32) }

    /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection in which every bit of the input reaches every
    /// bit of the result.
    private static func spread(_ number: UInt64) -> UInt64 {
        var mixed = number &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
