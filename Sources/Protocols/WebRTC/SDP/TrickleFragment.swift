// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The part of a session description that trickles, `application/trickle-ice-sdpfrag` (RFC 8840 §9): candidates that
/// were found later, or the credentials of a restart (RFC 9725 §4.3).
public struct TrickleFragment: Hashable, Sendable {
    /// Credentials of the generation that the candidates belong to; nil where the fragment names none.
    public var credentials: ICECredentials?
    /// `a=ice-options`.
    public var iceOptions: [String] = []
    /// Whether the writer only answers checks.
    public var isICELite = false
    /// The media that share the transport.
    public var bundle: [String] = []
    /// The medium that the candidates stand at: the first of the bundle.
    public var mid: String?
    /// Its kind.
    public var kind = MediaKind.audio
    /// The candidates of all media of the bundle.
    public var candidates: [ICECandidate] = []
    /// Whether no more will come.
    public var hasEndOfCandidates = false

    /// A fragment that says nothing.
    public init() {}

    /// Reads a fragment.
    ///
    /// Credentials may stand for the session or at a medium, and all media are bundled, so they are the same for all.
    /// - Throws: ``SDPFailure``, also where media name different credentials.
    public init(parsing bytes: ByteSlice, limits: SDPLimits = SDPLimits()) throws(SDPFailure) {
        var decoder = SDPDecoder(limits: limits)
        let session = try decoder.decode(bytes, isFragment: true)
        let credentials = [decoder.defaults.credentials].compactMap { $0 } + session.media.compactMap(\.credentials)
        guard Set(credentials).count <= 1 else {
            throw .malformed("a=ice-ufrag, which differs between media,", line: 1)
        }
        self.credentials = credentials.first
        let options = session.media.first?.iceOptions ?? []
        iceOptions = options.isEmpty ? decoder.defaults.options : options
        isICELite = session.isICELite
        bundle = session.bundle
        mid = session.media.first?.mid
        kind = session.media.first?.kind ?? .audio
        candidates = Array(session.media.flatMap(\.candidates).prefix(limits.attributes))
        hasEndOfCandidates = session.media.contains(where: \.hasEndOfCandidates)
    }

    /// The fragment's text, lines ended by CRLF.
    public var text: String {
        var encoder = SDPEncoder()
        encoder.line("a=ice-lite", if: isICELite)
        encoder.line("a=group:BUNDLE \(bundle.joined(separator: " "))", if: !bundle.isEmpty)
        var media = MediaDescription(kind: kind)
        media.mid = mid
        media.credentials = credentials
        media.iceOptions = iceOptions
        media.candidates = candidates
        media.hasEndOfCandidates = hasEndOfCandidates
        encoder.append(mediaLine: media)
        encoder.append(ice: media)
        return encoder.text
    }
}
