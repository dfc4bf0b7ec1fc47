// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Media

/// Leave to watch one stream until a time, and the viewer session it belongs to.
///
/// Its text is the first path component of every URL of the session, `/~{48 characters}/app/name/…`: `~` and the
/// base64url of eight bytes of session, five of expiry in seconds since 1970, seven of seal and sixteen of proof over
/// all this and the stream's name. It names no edge. Nodes strip it before the cache key, so all viewers share the
/// cached bytes. Printing the value does not show it.
public struct ViewerToken: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    private let sealed: SealedFields

    /// Makes a token of `session` for `stream`, good until `expiry` rounded up to a second.
    public init(for stream: StreamID, session: ViewerID, until expiry: WallTime, by secret: AccessSecret) {
        let number = (0..<8).map { UInt8(truncatingIfNeeded: session.number >> (8 * (7 - UInt64($0)))) }
        sealed = SealedFields(
            number + Expiry(expiry).bytes, for: stream.description, sealLength: 7, key: secret.viewerKey)
    }

    /// Parses a path component that begins with `~`. The token is not yet known to be good.
    public init(parsing text: some StringProtocol) throws(TokenFailure) {
        let text = String(text)
        guard text.utf8.first == UInt8(ascii: "~"), let bytes = Base64URL.bytes(text.dropFirst(), length: Self.length)
        else {
            throw .malformed
        }
        sealed = SealedFields(bytes, fieldsLength: 13)
    }

    /// The path component, with its `~`. Never log it.
    public var text: String { "~" + Base64URL.text(sealed.bytes) }

    /// Whose it is. To be believed after ``verify(for:now:linger:by:)`` only.
    public var session: ViewerID { ViewerID(number: sealed.fields.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }) }

    /// When it ends. To be believed after ``verify(for:now:linger:by:)`` only.
    public var expiry: WallTime { Expiry(sealed.fields.dropFirst(8)).time }

    /// Returns if the token is ours, for `stream`, and not over since more than `linger`. The proof is compared in
    /// constant time.
    public func verify(
        for stream: StreamID, now: WallTime, linger: Duration = .zero, by secret: AccessSecret
    ) throws(TokenFailure) {
        try sealed.verify(for: stream.description, key: secret.viewerKey)
        guard now < expiry.advanced(by: linger) else { throw .expired }
    }

    /// The same for every token.
    public var description: String { "ViewerToken" }

    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The binary length in bytes, a multiple of three.
    private static let length = 36
}
