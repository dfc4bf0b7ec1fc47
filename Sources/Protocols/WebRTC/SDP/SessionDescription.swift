// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// A session description (RFC 8866) as offers and answers of WebRTC use it (RFC 8829): what Millrace reads and writes of
/// it, nothing else. Reading leaves out lines that it does not know; what it gives can always be written, and reading
/// that again gives the same value.
///
/// What a description says of ICE and DTLS for the whole session stands at each of its media here.
public struct SessionDescription: Hashable, Sendable {
    /// `o=`, the number of the session.
    public var sessionID: UInt64
    /// `o=`, the version of the description.
    public var version: UInt64
    /// `a=ice-lite`: the writer only answers checks.
    public var isICELite = false
    /// `a=extmap-allow-mixed`: header extensions of one and two bytes may be mixed (RFC 8285 §6).
    public var allowsMixedExtensionHeaders = false
    /// The first `a=group:BUNDLE`: the `mid` of all media that share one transport (RFC 9143).
    public var bundle: [String] = []
    /// `m=` and what follows, in order.
    public var media: [MediaDescription] = []

    /// A description without media.
    public init(sessionID: UInt64 = 0, version: UInt64 = 0) {
        self.sessionID = sessionID
        self.version = version
    }

    /// Reads a description, with CRLF or LF between the lines.
    public init(parsing bytes: ByteSlice, limits: SDPLimits = SDPLimits()) throws(SDPFailure) {
        var decoder = SDPDecoder(limits: limits)
        self = try decoder.decode(bytes, isFragment: false)
    }

    /// The description's text, lines ended by CRLF.
    public var text: String { SDPEncoder.text(of: self) }
}

/// How much of a description is read.
public struct SDPLimits: Hashable, Sendable {
    /// The whole text.
    public var length: ByteCount = .kibibytes(128)
    /// One line.
    public var lineLength: ByteCount = .kibibytes(4)
    /// `m=` lines.
    public var media = 8
    /// Payload types of one `m=`.
    public var formats = 96
    /// Of each other kind of line within one `m=`. Candidates beyond are left out instead: a lite agent does not need them.
    public var attributes = 32

    /// The defaults.
    public init() {}
}
