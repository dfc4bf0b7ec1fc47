// SPDX-License-Identifier: Apache-2.0

/// Which content an object had: an ETag with its quotes, a generation of Google Cloud Storage, a hash. Only the store that
/// gave it understands it.
public struct ObjectVersion: Hashable, Sendable, CustomStringConvertible {
    /// The store's own word.
    public let description: String

    /// A version of the store's own word.
    public init(_ text: String) { description = text }
}

/// What must be true of an object for a write to happen.
public enum ObjectCondition: Hashable, Sendable {
    /// Nothing.
    case none
    /// There is no object of this key. Names that never have two contents are written so, and a refusal is a success.
    case absent
    /// The object still has this content: compare and swap.
    case matches(ObjectVersion)
}
