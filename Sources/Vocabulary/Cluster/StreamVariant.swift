// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What a multivariant playlist says of one rendition, so that a router can write one for a stream it does not hold.
public struct StreamVariant: Hashable, Sendable {
    /// Which rendition.
    public let rendition: RenditionName
    /// The most bits a second that a stretch of its segments needs.
    public let peakBandwidth: UInt32
    /// Bits a second over its segments.
    public let averageBandwidth: UInt32
    /// RFC 6381 names with commas, as `avc1.64001f,mp4a.40.2`; at most 128 bytes.
    public let codecs: String
    /// Picture width and height; both 0 where there is no picture.
    public let width: UInt16
    /// See `width`.
    public let height: UInt16
    /// Pictures in a thousand seconds; 0 where there is no picture.
    public let frameRate: UInt32
    /// VIDEO-RANGE; nil where it is not known.
    public let range: VideoRange?

    /// A variant of its parts.
    public init(
        rendition: RenditionName, peakBandwidth: UInt32, averageBandwidth: UInt32, codecs: String, width: UInt16,
        height: UInt16, frameRate: UInt32, range: VideoRange? = nil
    ) {
        self.rendition = rendition
        self.peakBandwidth = peakBandwidth
        self.averageBandwidth = averageBandwidth
        self.codecs = codecs
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.range = range
    }
}

/// How light becomes numbers (RFC 8216bis §4.4.6.2, VIDEO-RANGE).
public enum VideoRange: UInt8, Hashable, Sendable, CaseIterable {
    /// Standard dynamic range.
    case sdr = 1
    /// SMPTE ST 2084.
    case pq = 2
    /// Hybrid log-gamma.
    case hlg = 3
}
