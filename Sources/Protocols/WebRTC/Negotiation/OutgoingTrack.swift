// SPDX-License-Identifier: Apache-2.0

/// A track that a stream can send to a viewer.
public struct OutgoingTrack: Hashable, Sendable {
    /// The encoding.
    public var codec: PayloadCodec
    /// The profile of H.264, from the sequence parameter set; nil for other codecs, or where it is not known yet.
    public var h264Profile: H264Profile?
    /// The profile of VP9, AV1; 0 for most streams.
    public var profile: UInt8
    /// The source that the viewer will see.
    public var ssrc: UInt32
    /// The source of its retransmissions.
    public var retransmissionSSRC: UInt32

    /// A track of its parts.
    public init(
        codec: PayloadCodec, h264Profile: H264Profile? = nil, profile: UInt8 = 0, ssrc: UInt32,
        retransmissionSSRC: UInt32
    ) {
        self.codec = codec
        self.h264Profile = h264Profile
        self.profile = profile
        self.ssrc = ssrc
        self.retransmissionSSRC = retransmissionSSRC
    }

    /// How well an offered format takes the track, the lower the better; nil for not at all.
    ///
    /// H.264 must be in packetization mode 1, as units are fragmented. Its profile only decides between formats: players
    /// decode more than they offer (Chromium offers Constrained Baseline and Main, and decodes High), so the nearest is
    /// taken, first those whose decoder can do at least what is needed, last those that nothing else shows to be played.
    func rank(of format: PayloadFormat) -> Int? {
        guard PayloadCodec(format) == codec else { return nil }
        switch codec {
        case .h264:
            guard format.parameter("packetization-mode") == "1" else { return nil }
            guard let family = h264Profile?.family else { return 0 }
            let offered = H264Profile(of: format).family
            guard offered != .other || family == .other else { return 20 }
            return offered >= family ? offered.rawValue - family.rawValue : 10 + family.rawValue - offered.rawValue
        case .vp9: return UInt8(format.parameter("profile-id") ?? "0") == profile ? 0 : nil
        case .av1: return UInt8(format.parameter("profile") ?? "0") == profile ? 0 : nil
        case .hevc, .opus, .vp8: return 0
        }
    }
}
