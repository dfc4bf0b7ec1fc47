// SPDX-License-Identifier: Apache-2.0

/// Why an offer that could be read gets no answer. Prints as a sentence for who sent it.
public enum OfferRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Media that go the wrong way: a publisher must send, a viewer receive.
    case direction(MediaKind, MediaDirection)
    /// No format of the media is one that is wanted; carries the names of both.
    case formats(MediaKind, offered: [String], wanted: [String])
    /// `a=ice-ufrag` and `a=ice-pwd` are missing.
    case noCredentials
    /// No `a=fingerprint` of SHA-256.
    case noFingerprint
    /// There are no media, or all are refused.
    case noMedia
    /// None of the media offered is one that the stream has.
    case nothingToSend
    /// Several media that do not share one transport.
    case notBundled
    /// A profile that is not RTP over DTLS.
    case profile(String)
    /// RTP and RTCP would need two ports.
    case separateRTCP
    /// Two media would be sent under one payload type.
    case sharedPayloadType(UInt8)
    /// More than one medium of a kind.
    case tooMany(MediaKind)
    /// Media that are neither sound nor pictures.
    case unsupported

    /// 400 where something is missing that RFC 8829 demands, 422 where the offer is whole and can not be served.
    public var status: Int {
        switch self {
        case .noCredentials, .noFingerprint, .noMedia, .profile: 400
        case .direction, .formats, .nothingToSend, .notBundled, .separateRTCP, .sharedPayloadType, .tooMany,
            .unsupported:
            422
        }
    }

    /// A sentence.
    public var description: String {
        switch self {
        case .direction(let kind, let direction): "the \(kind.rawValue) is offered as \(direction.rawValue)"
        case .formats(let kind, let offered, let wanted):
            "no offered format of the \(kind.rawValue) will do: offered are \(Self.list(offered)), wanted is "
                + Self.list(wanted)
        case .noCredentials: "a=ice-ufrag or a=ice-pwd is missing"
        case .noFingerprint: "a=fingerprint with sha-256 is missing"
        case .noMedia: "the offer has no media"
        case .nothingToSend: "the stream has none of the kinds of media that are offered"
        case .notBundled: "the media are not in one a=group:BUNDLE"
        case .profile(let profile): "the profile \(profile) is not \(MediaDescription.secureProfile)"
        case .separateRTCP: "a=rtcp-mux is missing"
        case .sharedPayloadType(let type): "the payload type \(type) stands for two media"
        case .tooMany(let kind): "the offer has more than one m=\(kind.rawValue)"
        case .unsupported: "the offer has media that are neither audio nor video"
        }
    }

    private static func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}
