// SPDX-License-Identifier: Apache-2.0

/// A change of the keys that a cluster seals its packets with.
public enum ClusterKeyChange: Sendable {
    /// Open packets with this key from now on, as well as with the others.
    case install(ClusterKeyText)
    /// Seal packets with the key of this id from now on.
    case use(UInt32)
    /// Forget the key of this id, which must not be in use.
    case remove(UInt32)
}

/// What an operator gave as a key, unread. It never prints itself.
public struct ClusterKeyText: Sendable, CustomStringConvertible, CustomReflectable {
    /// The text, for the code that makes a key of it.
    public let revealed: String

    /// Wraps a text.
    public init(_ revealed: String) { self.revealed = revealed }

    /// The word `redacted`.
    public var description: String { "redacted" }

    /// Nothing to see for `dump` either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What came of a change of keys.
public enum ClusterKeyOutcome: Hashable, Sendable {
    /// The cluster was told; carries the key's id.
    case ordered(UInt32)
    /// Nothing was changed.
    case refused(Refusal)

    /// Why nothing was changed.
    public enum Refusal: Hashable, Sendable {
        /// This node is in no cluster.
        case alone
        /// There are as many keys as there may be: one has to be removed first.
        case full
        /// The key is in use: use another before this one is removed.
        case inUse
        /// The text is not 32 bytes in hexadecimal digits or base64.
        case notAKey
        /// No key of that id is installed.
        case unknownKey
    }
}

/// A key that a node knows, without the key.
public struct ClusterKeyStatus: Hashable, Sendable {
    /// The first four bytes of its SHA-256.
    public let id: UInt32
    /// Whether packets are sealed with it.
    public let isInUse: Bool

    /// A status of its parts.
    public init(id: UInt32, isInUse: Bool) {
        self.id = id
        self.isInUse = isInUse
    }
}
