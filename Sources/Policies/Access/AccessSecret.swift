// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The one secret that all tokens of a cluster come from.
///
/// Each kind of token has a key of its own, derived by HKDF-SHA256 (RFC 5869) with the kind as its `info`, so a token of
/// one kind never passes for another. All nodes of a cluster hold the same secret; changing it ends every token at once.
/// Printing the value shows nothing of it.
public struct AccessSecret: Sendable, CustomStringConvertible, CustomReflectable {
    let publishKey: [UInt8]
    let viewerKey: [UInt8]
    let controlKey: [UInt8]
    let identityKey: [UInt8]

    /// Derives the keys from `bytes`.
    /// - Throws: ``TooShort`` below 16 bytes, which could be guessed.
    public init(_ bytes: ByteSlice) throws(TooShort) {
        guard bytes.count >= Self.minimumLength else { throw TooShort() }
        let root = authenticationCode(key: Array(Self.salt.utf8), Array(bytes))
        publishKey = Self.expand(root, "publish token")
        viewerKey = Self.expand(root, "viewer token")
        controlKey = Self.expand(root, "control token")
        identityKey = Self.expand(root, "publisher identity")
    }

    /// The same for every secret.
    public var description: String { "AccessSecret" }

    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The secret has fewer than 16 bytes.
    public struct TooShort: Error, Equatable, Sendable {}

    /// The shortest secret, in bytes.
    public static let minimumLength = 16

    /// HKDF-Expand, RFC 5869 §2.3, for one block of output.
    private static func expand(_ root: [UInt8], _ purpose: String) -> [UInt8] {
        authenticationCode(key: root, Array(purpose.utf8) + [1])
    }

    private static let salt = "millrace access 1"
}
