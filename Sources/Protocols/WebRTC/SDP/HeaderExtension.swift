// SPDX-License-Identifier: Apache-2.0

/// An RTP header extension and the number it goes by in this session: `a=extmap`, RFC 8285 §5.
public struct HeaderExtension: Hashable, Sendable {
    /// 1 to 255, and up to 14 where the header has one byte.
    public var id: UInt8
    /// What it bears.
    public var kind: HeaderExtensionKind

    /// An extension of its parts.
    public init(id: UInt8, kind: HeaderExtensionKind) {
        self.id = id
        self.kind = kind
    }
}

/// The header extensions that we know, by their URI.
public enum HeaderExtensionKind: String, Hashable, Sendable, CaseIterable {
    /// When the first sample was captured.
    case absoluteCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
    /// When the packet was sent.
    case absoluteSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    /// How loud the sound is (RFC 6464).
    case audioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    /// The layers that a frame needs (AV1's RTP specification, appendix A).
    case dependencyDescriptor =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
    /// `mid` of the media (RFC 9143 §15).
    case mid = "urn:ietf:params:rtp-hdrext:sdes:mid"
    /// How long the player may hold frames back.
    case playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
    /// `rid` of the stream that a retransmission repairs (RFC 8852).
    case repairedStreamID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    /// `rid` of the stream (RFC 8852).
    case streamID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    /// How much later than its timestamp the packet was sent (RFC 5450).
    case transmissionOffset = "urn:ietf:params:rtp-hdrext:toffset"
    /// The packet's number on the transport, for `transport-cc`.
    case transportSequenceNumber =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    /// How pictures are turned (3GPP TS 26.114).
    case videoOrientation = "urn:3gpp:video-orientation"
}
