// SPDX-License-Identifier: Apache-2.0

public import Media

/// Leave to use the control API in a role until a time, borne as `Authorization: Bearer …` (RFC 6750 §2.1).
///
/// Its text is `millrace_` (by which secret scanners know it) and the base64url of one byte of role, five of expiry in
/// seconds since 1970, seven of chance, seven of seal and sixteen of proof. Printing the value does not show it.
public struct ControlToken: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    private let sealed: SealedFields
    /// What the bearer may do. To be believed after ``verify(now:by:)`` only.
    public let role: ControlRole

    /// Makes a token of `role`, good until `expiry` rounded up to a second.
    public init(
        role: ControlRole, until expiry: WallTime, by secret: AccessSecret,
        using random: inout some RandomNumberGenerator
    ) {
        let chance = (0..<7).map { _ in UInt8.random(in: 0...255, using: &random) }
        let fields = [role.rawValue] + Expiry(expiry).bytes + chance
        sealed = SealedFields(fields, for: Self.subject, sealLength: 7, key: secret.controlKey)
        self.role = role
    }

    /// Parses the text of a token. It is not yet known to be good.
    public init(parsing text: some StringProtocol) throws(TokenFailure) {
        guard text.hasPrefix(Self.prefix),
            let bytes = Base64URL.bytes(String(text).dropFirst(Self.prefix.count), length: Self.length),
            let role = ControlRole(rawValue: bytes[0])
        else { throw .malformed }
        sealed = SealedFields(bytes, fieldsLength: 13)
        self.role = role
    }

    /// The token as its bearer sends it. Never log it.
    public var text: String { Self.prefix + Base64URL.text(sealed.bytes) }

    /// When it ends. To be believed after ``verify(now:by:)`` only.
    public var expiry: WallTime { Expiry(sealed.fields.dropFirst().prefix(5)).time }

    /// Returns if the token is ours and not over. The proof is compared in constant time.
    public func verify(now: WallTime, by secret: AccessSecret) throws(TokenFailure) {
        try sealed.verify(for: Self.subject, key: secret.controlKey)
        guard now < expiry else { throw .expired }
    }

    /// The same for every token.
    public var description: String { "ControlToken" }

    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }

    private static let prefix = "millrace_"
    private static let subject = "control"
    /// The binary length in bytes, a multiple of three.
    private static let length = 36
}
