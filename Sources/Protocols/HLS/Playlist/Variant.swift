// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Cluster
public import Identity
import Media

/// One rendition as EXT-X-STREAM-INF describes it (RFC 8216bis §4.4.6.2).
public struct Variant: Sendable {
    /// Which rendition.
    public let rendition: RenditionName
    /// Pictures a second: as the parameter sets say where that is within 5 % of the count, else as counted; nil where
    /// there is no picture.
    public let frameRate: Double?
    private let tracks: [Track]
    private let bandwidth: BandwidthMeasure

    init(_ rendition: RenditionName, birth: ParametersBirth, window: borrowing MediaWindow, state: PlaylistState) {
        self.rendition = rendition
        tracks = birth.tracks(rendition)
        let segments = window.segments[state.listed].filter { !$0.isGap(rendition) && !$0.parts.isEmpty }
        bandwidth = BandwidthMeasure(
            segments.map { ($0.size(rendition), $0.duration) }, targetDuration: window.listedTargetDuration(state))
        let video = Self.video(of: tracks)
        let seconds = segments.reduce(Duration.zero) { $0 + $1.duration }.seconds
        let counted = Double(segments.reduce(0) { $0 + $1.pictures(rendition) }) / max(seconds, 0.001)
        frameRate = video.map { video in
            guard let declared = video.frameRate, abs(declared - counted) <= counted * 0.05 else { return counted }
            return declared
        }
    }

    /// BANDWIDTH: the most bits a second that a stretch of the listed segments needs.
    public var peakBandwidth: Int { Int(clamping: bandwidth.peak) }

    /// AVERAGE-BANDWIDTH: bits a second over the listed segments.
    public var averageBandwidth: Int { Int(clamping: bandwidth.average) }

    /// CODECS: each codec once, in the order of the tracks.
    public var codecs: String {
        var codecs: [String] = []
        for track in tracks where !codecs.contains(track.parameters.codecString) {
            codecs.append(track.parameters.codecString)
        }
        return codecs.joined(separator: ",")
    }

    /// RESOLUTION, in pixels; nil where there is no picture or its size is not known.
    public var resolution: (width: UInt32, height: UInt32)? {
        guard let video = Self.video(of: tracks), video.width > 0, video.height > 0 else { return nil }
        return (video.width, video.height)
    }

    /// The same as it travels in the directory.
    public var summary: StreamVariant {
        let rate = frameRate.map { $0 > 0 && $0 < 100_000 ? UInt32($0 * 1000 + 0.5) : 0 }
        return StreamVariant(
            rendition: rendition, peakBandwidth: UInt32(clamping: bandwidth.peak),
            averageBandwidth: UInt32(clamping: bandwidth.average), codecs: codecs,
            width: UInt16(clamping: resolution?.width ?? 0), height: UInt16(clamping: resolution?.height ?? 0),
            frameRate: rate ?? 0, range: Self.range(of: tracks))
    }

    private static func video(of tracks: [Track]) -> VideoParameters? {
        for track in tracks {
            if case .video(let video) = track.parameters { return video }
        }
        return nil
    }

    /// VIDEO-RANGE by the transfer characteristics (ITU-T H.273 table 3); nil where the parameter sets do not say.
    private static func range(of tracks: [Track]) -> VideoRange? {
        switch video(of: tracks)?.pictureFormat?.colour?.transfer {
        case 1, 6, 13, 14, 15: .sdr
        case 16: .pq
        case 18: .hlg
        default: nil
        }
    }
}

extension MediaWindow {
    /// The renditions as the multivariant playlist lists them now; empty as long as none may be answered.
    public var variants: [Variant] { currentKey.flatMap { state($0) }.flatMap { variants(in: $0) } ?? [] }

    /// The same in a state; nil where nothing is known of its newest segment. A layer is listed as long as it has all of the
    /// newest whole segment; a player that comes to one which then stops is told of gaps and takes another.
    func variants(in state: PlaylistState) -> [Variant]? {
        guard let newest = state.listed.last, let birth = birth(of: segments[newest]) else { return nil }
        let listed = birth.renditions.filter { rendition in
            let leads = rendition == birth.leading?.rendition || !isLayer(rendition, of: birth)
            return leads || state.whole.last.map { !segments[$0].isGap(rendition) } ?? true
        }
        return listed.map { Variant($0, birth: birth, window: self, state: state) }
    }

    /// Whether a rendition has pictures of its own.
    private func isLayer(_ rendition: RenditionName, of birth: ParametersBirth) -> Bool {
        birth.tracks(rendition).contains(where: \.codec.isVideo)
    }
}
