// SPDX-License-Identifier: Apache-2.0

/// Which pathway each viewer of an audience belongs to by the shares that an operator has ordered.
///
/// An audience has a hundred slots, and a viewer's number says which one is its own. Each pathway takes as many of them as its
/// share says, in an order of its own: where a share grows or shrinks, so many viewers move and hardly any others.
public struct AudienceShares: Hashable, Sendable {
    /// Pathways that nobody is to use.
    public let left: Set<String>
    /// The pathway of each slot; nil for those who go where all go.
    private let slots: [String?]

    /// The shares of pathways in percent, together at most a hundred; what is beyond finds no slot.
    public init(_ shares: [String: Int]) {
        left = Set(shares.filter { $0.value <= 0 }.keys)
        var slots = [String?](repeating: nil, count: Self.count)
        for (pathway, share) in shares.sorted(by: { $0.key < $1.key }) where share > 0 {
            let seed = Self.number(of: pathway)
            let order = (0..<Self.count).sorted { (Self.mixed(seed, $0), $0) < (Self.mixed(seed, $1), $1) }
            for slot in order.filter({ slots[$0] == nil }).prefix(share) { slots[slot] = pathway }
        }
        self.slots = slots
    }

    /// The pathway of the viewer of a number, which is evenly spread; nil where it goes where all go.
    public func pathway(of viewer: UInt64) -> String? { slots[Int(viewer % UInt64(Self.count))] }

    /// FNV-1a.
    private static func number(of text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// The finaliser of SplitMix64.
    private static func mixed(_ seed: UInt64, _ slot: Int) -> UInt64 {
        var mixed = seed &+ UInt64(slot) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static let count = 100
}
