// SPDX-License-Identifier: Apache-2.0

/// Who publishes, as far as it takes to know a returning publisher again: a keyed hash, 128 bits, of its token, or of
/// its key and address where it has no token.
///
/// Equal on every node with the same secret, worthless without it: safe to store, to log and to gossip.
public struct PublisherIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The first half of the hash.
    public let first: UInt64
    /// The second half of the hash.
    public let second: UInt64

    /// The bearer of a token, in the spelling it was sent in.
    public init(token: some StringProtocol, by secret: AccessSecret) {
        self.init(hashing: [0] + Array(token.utf8), by: secret)
    }

    /// A publisher without a token: the key or name it publishes with, and its address without the port.
    public init(key: some StringProtocol, address: some StringProtocol, by secret: AccessSecret) {
        self.init(hashing: [1] + Array(key.utf8) + [0] + Array(address.utf8), by: secret)
    }

    /// The identity of two halves that another node sent.
    public init(_ first: UInt64, _ second: UInt64) {
        self.first = first
        self.second = second
    }

    /// 32 lower-case hexadecimal digits.
    public var description: String {
        [first, second].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    private init(hashing message: [UInt8], by secret: AccessSecret) {
        let code = authenticationCode(key: secret.identityKey, message)
        self.init(
            code.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
            code.dropFirst(8).prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}
