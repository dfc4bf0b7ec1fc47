// SPDX-License-Identifier: Apache-2.0

/// A text that never prints itself.
public struct SecretText: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// The secret, for the code that signs with it.
    public let revealed: String

    /// Wraps a secret.
    public init(_ revealed: String) { self.revealed = revealed }

    /// The word `redacted`.
    public var description: String { "redacted" }

    /// Nothing to see for `dump` either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
