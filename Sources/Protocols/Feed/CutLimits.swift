// SPDX-License-Identifier: Apache-2.0

import Media

/// Where parts and segments may end, in ticks of the leading track.
struct CutLimits: Sendable {
    /// The least a segment lasts.
    let segment: Int64
    /// The most a segment lasts: what still rounds to the target duration, less a millisecond for playlists that write
    /// three decimals.
    let longestSegment: Int64
    /// The most a part lasts; nil without parts.
    let part: Int64?
    /// The least a part lasts that is not its segment's last: 85 % of the part target (RFC 8216bis §4.4.4.9).
    let shortestPart: Int64
    /// How far a picture may be decoded ahead of its time.
    let longestLead: Int64
    /// Pictures further apart than this are too slow for parts.
    let slowInterval: Int64
    /// The least duration of a part that holds other tracks only.
    let tick: Int64

    init(_ settings: SequencerSettings, targetDuration: Int?, partTarget: Duration?, timescale: Timescale) {
        segment = settings.segmentTarget.ticks(timescale)
        let longest = targetDuration.map { Duration.milliseconds($0 * 1000 + 499) } ?? settings.longestSegment
        longestSegment = max(segment, longest.ticks(timescale))
        part = partTarget?.ticks(timescale)
        shortestPart = ((part ?? 0) * 85 + 99) / 100
        longestLead = settings.jumpThreshold.ticks(timescale)
        slowInterval = Self.slowInterval(partTarget: settings.partTarget).ticks(timescale)
        tick = Duration.milliseconds(1).ticks(timescale)
    }

    /// EXT-X-TARGETDURATION: the segment target or the longer of the first two segments, rounded to nearest.
    static func targetDuration(_ settings: SequencerSettings, longestOfFirstTwo: Duration) -> Int {
        let longest = max(settings.segmentTarget, longestOfFirstTwo).ticks(.milliseconds)
        return max(1, Int((longest + 500) / 1000))
    }

    /// Pictures further apart than this are too slow for parts: 0.15 of the part target. For short part targets it is
    /// 50 ms (a quarter of the target at most), so that video of 20 pictures a second and more always has parts; the
    /// sequencer keeps to 85 % and 100 % of the target at any rate.
    static func slowInterval(partTarget: Duration?) -> Duration {
        guard let partTarget else { return .zero }
        return max(partTarget * 15 / 100, min(.milliseconds(50), partTarget / 4))
    }
}
