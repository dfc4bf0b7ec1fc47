// SPDX-License-Identifier: Apache-2.0

/// The name of a node, unique in its cluster: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, a letter or digit
/// first. A host name in lower case is one.
public struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name as it stands in settings, packets and logs.
    public let description: String
    /// A hash of the name, made once because names are looked up all the time: FNV-1a, then the finaliser of SplitMix64.
    /// Digests that nodes compare are made of it, so it is the same on every node.
    package let number: UInt64

    /// Parses a name; nil where it is not one.
    public init?(parsing text: some StringProtocol) {
        guard PlainName.isValid(text, longest: Self.maximumLength, allowsDots: true) else { return nil }
        self.init(known: String(text))
    }

    /// A node that was told no name, on a machine whose own is none.
    public static let local = NodeID(known: "local")

    private init(known: String) {
        description = known
        number = Self.number(of: known)
    }

    /// The longest name, in bytes.
    public static let maximumLength = 63

    /// Orders by text.
    public static func < (left: NodeID, right: NodeID) -> Bool { left.description < right.description }

    /// Equal names have equal numbers, and of others hardly any.
    public static func == (left: NodeID, right: NodeID) -> Bool {
        left.number == right.number && left.description == right.description
    }

    /// Hashes the number instead of the name.
    public func hash(into hasher: inout Hasher) { hasher.combine(number) }

    private static func number(of name: String) -> UInt64 {
        var mixed: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { mixed = (mixed ^ UInt64(byte)) &* 0x100_0000_01B3 }
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
