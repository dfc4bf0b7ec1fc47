// SPDX-License-Identifier: Apache-2.0

/// The name of a node, unique in its cluster: 1 to 63 lower-case letters, digits, `-`, `_` and `.`, a letter or digit
/// first. A host name in lower case is one.
public struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name as it stands in settings, packets and logs.
    public let description: String

    /// Parses a name; nil where it is not one.
    public init?(parsing text: some StringProtocol) {
        guard PlainName.isValid(text, longest: Self.maximumLength, allowsDots: true) else { return nil }
        description = String(text)
    }

    /// A node that was told no name, on a machine whose own is none.
    public static let local = NodeID(known: "local")

    private init(known: String) { description = known }

    /// The longest name, in bytes.
    public static let maximumLength = 63

    /// Orders by text.
    public static func < (left: NodeID, right: NodeID) -> Bool { left.description < right.description }
}
