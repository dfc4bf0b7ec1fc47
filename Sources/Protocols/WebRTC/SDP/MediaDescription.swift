// SPDX-License-Identifier: Apache-2.0

/// One `m=` of a session description and the attributes below it.
public struct MediaDescription: Hashable, Sendable {
    /// What kind of media it is.
    public var kind: MediaKind
    /// The port; 9 where ICE finds it, 0 for media that are refused, or bundled only.
    public var port: UInt16
    /// The profile, `UDP/TLS/RTP/SAVPF`.
    public var profile: String
    /// `a=mid`, RFC 5888.
    public var mid: String?
    /// `a=sendrecv` and the like.
    public var direction = MediaDirection.sendReceive
    /// `a=bundle-only`: has no transport of its own, in spite of port 0 (RFC 9143 §6).
    public var isBundleOnly = false
    /// `a=rtcp-mux`, RFC 5761.
    public var multiplexesRTCP = false
    /// `a=rtcp-mux-only`, RFC 8858.
    public var onlyMultiplexesRTCP = false
    /// `a=rtcp-rsize`, RFC 5506.
    public var reducesRTCP = false
    /// The payload types that have an `a=rtpmap`, the writer's favourite first.
    public var formats: [PayloadFormat] = []
    /// `a=extmap` of the kinds that we know.
    public var extensions: [HeaderExtension] = []
    /// `a=rid`, RFC 8851.
    public var rids: [RID] = []
    /// `a=simulcast`, RFC 8853.
    public var simulcast = Simulcast()
    /// `a=msid`, RFC 8830.
    public var streams: [MediaStreamID] = []
    /// `a=ssrc`, RFC 5576.
    public var sources: [MediaSource] = []
    /// `a=ssrc-group`.
    public var sourceGroups: [SourceGroup] = []
    /// `a=ice-ufrag` and `a=ice-pwd`.
    public var credentials: ICECredentials?
    /// `a=ice-options`.
    public var iceOptions: [String] = []
    /// `a=candidate`, those with an address and of the first component.
    public var candidates: [ICECandidate] = []
    /// `a=end-of-candidates`.
    public var hasEndOfCandidates = false
    /// `a=fingerprint` of the hashes that we know.
    public var fingerprints: [SDPFingerprint] = []
    /// `a=setup`.
    public var setup: DTLSSetup?

    /// Media of their kind, without attributes.
    public init(kind: MediaKind, port: UInt16 = 9, profile: String = MediaDescription.secureProfile) {
        self.kind = kind
        self.port = port
        self.profile = profile
    }

    /// Whether the media are refused: port 0, and not because they are bundled.
    public var isRefused: Bool { port == 0 && !isBundleOnly }

    /// The format of a payload type.
    public func format(_ payloadType: UInt8) -> PayloadFormat? {
        formats.first { $0.payloadType == payloadType }
    }

    /// RTP with feedback, by DTLS-SRTP over UDP (RFC 5764 §8).
    public static let secureProfile = "UDP/TLS/RTP/SAVPF"
}

/// The kind of an `m=`.
public enum MediaKind: String, Hashable, Sendable, CaseIterable {
    /// Sound.
    case audio
    /// Data channels, and whatever else is not for us.
    case other = "application"
    /// Pictures.
    case video
}

/// Who sends, from the side of the writer (RFC 8866 §6.7).
public enum MediaDirection: String, Hashable, Sendable, CaseIterable {
    /// Nobody.
    case inactive
    /// The reader only.
    case receiveOnly = "recvonly"
    /// The writer only.
    case sendOnly = "sendonly"
    /// Both.
    case sendReceive = "sendrecv"

    /// Whether the writer would send.
    public var sends: Bool { self == .sendOnly || self == .sendReceive }

    /// Whether the writer would receive.
    public var receives: Bool { self == .receiveOnly || self == .sendReceive }
}
