// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Identity
public import Media

/// Leave to publish one stream until a time. Nothing is stored for it: any node with the secret can check it.
///
/// Its text is 64 lower-case hexadecimal digits: five bytes of expiry in seconds since 1970, three of chance (so that two
/// publishers of one second are told apart), eight of seal, sixteen of proof over all this and the stream's name. It may
/// be used again until it expires, which is what a reconnecting encoder needs. Printing the value does not show it.
public struct PublishToken: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    private let sealed: SealedFields

    /// Makes a token for `stream`, good until `expiry` rounded up to a second.
    public init(
        for stream: StreamID, until expiry: WallTime, by secret: AccessSecret,
        using random: inout some RandomNumberGenerator
    ) {
        let chance = (0..<3).map { _ in UInt8.random(in: 0...255, using: &random) }
        sealed = SealedFields(
            Expiry(expiry).bytes + chance, for: stream.description, sealLength: 8, key: secret.publishKey)
    }

    /// Parses 64 lower-case hexadecimal digits. The token is not yet known to be good.
    public init(parsing text: some StringProtocol) throws(TokenFailure) {
        guard text.utf8.count == Self.length * 2, text.utf8.allSatisfy({ $0 < 0x41 || $0 > 0x5A }),
            let bytes = [UInt8](hex: text)
        else { throw .malformed }
        sealed = SealedFields(bytes, fieldsLength: 8)
    }

    /// The token as a publisher sends it. Never log it.
    public var text: String { sealed.bytes.hex }

    /// When it ends. To be believed after ``verify(for:now:by:)`` only.
    public var expiry: WallTime { Expiry(sealed.fields.prefix(5)).time }

    /// Returns if the token is ours, for `stream`, and not over. The proof is compared in constant time.
    public func verify(for stream: StreamID, now: WallTime, by secret: AccessSecret) throws(TokenFailure) {
        try sealed.verify(for: stream.description, key: secret.publishKey)
        guard now < expiry else { throw .expired }
    }

    /// The same for every token.
    public var description: String { "PublishToken" }

    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The binary length in bytes.
    private static let length = 32
}
