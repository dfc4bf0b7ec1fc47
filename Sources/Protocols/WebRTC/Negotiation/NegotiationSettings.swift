// SPDX-License-Identifier: Apache-2.0

/// What is accepted from publishers.
public struct NegotiationSettings: Hashable, Sendable {
    /// What a publisher may send, favourites first: H.264 plays everywhere, VP8 by WHEP and RTMP only.
    public var publisherCodecs: [PayloadCodec] = [.h264, .av1, .hevc, .vp9, .vp8, .opus]
    /// How many streams of simulcast are taken; the publisher's first ones. Browsers encode three at most, and OBS four;
    /// each costs a reorder buffer and the bytes of a rendition.
    public var maximumSimulcastStreams = 4

    /// The defaults.
    public init() {}
}
