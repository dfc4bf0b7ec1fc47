// SPDX-License-Identifier: Apache-2.0

import Bytes
import CMAF
import Feed
import Identity
import Media

/// One part as a window holds it: its mark, and its media as units or as bytes.
struct WindowPart: Sendable {
    /// Where the part ended, as the sequencer decided.
    let mark: PartEnd
    /// The `mfhd` sequence number.
    let number: UInt32
    /// Media time from the segment's start to the part's end.
    let elapsed: Duration
    /// The duration as playlists print it, in microseconds: such that the parts of a segment add up to its EXTINF.
    let microseconds: Int64
    /// What each rendition has of it, from which bandwidth is measured.
    let sizes: [RenditionSize]
    /// Whether its first picture is a random access point; true where it has no picture.
    let beginsIndependent: Bool
    /// The units, until every rendition was written.
    private(set) var units: [AccessUnit]
    /// The fragments written so far, by rendition.
    private(set) var fragments: [RenditionBytes] = []

    init(_ mark: PartEnd, number: UInt32, after before: Duration, units: [AccessUnit], birth: ParametersBirth?) {
        self.mark = mark
        self.number = number
        self.units = units
        let leading = birth?.parameters.leadingTrack?.id
        beginsIndependent = units.first { $0.track == leading }?.isRandomAccess ?? true
        elapsed = before + min(max(mark.duration, .zero), WindowSegment.longest)
        microseconds = elapsed.roundedMicroseconds - before.roundedMicroseconds
        let all = Self.fragment(mark, number: number, units: units, tracks: [])
        sizes = birth.map { RenditionSize.measured(all, birth: $0) } ?? []
    }

    /// What the byte writer needs to write the tracks of a rendition.
    func fragment(of tracks: [Track]) -> Fragment {
        Self.fragment(mark, number: number, units: units, tracks: tracks.map(\.id))
    }

    private static func fragment(
        _ mark: PartEnd, number: UInt32, units: [AccessUnit], tracks: [TrackID]
    ) -> Fragment {
        Fragment(
            sequenceNumber: number, isFirstInSegment: mark.position.part == 0, tracks: tracks, units: units[...],
            ends: mark.ends)
    }

    /// The fragment of a rendition, where it was written.
    func fragment(_ rendition: RenditionName) -> [UInt8]? {
        fragments.first { $0.rendition == rendition }?.bytes
    }

    /// Keeps a fragment; with the last of `renditions`, the units are let go.
    mutating func keep(_ bytes: [UInt8], for rendition: RenditionName, of renditions: Int) {
        fragments.append(RenditionBytes(rendition: rendition, bytes: bytes))
        if fragments.count >= renditions { units = [] }
    }
}

/// Bytes that were written for one rendition.
struct RenditionBytes: Sendable {
    let rendition: RenditionName
    let bytes: [UInt8]
}

extension Duration {
    /// Whole microseconds, rounded to nearest; for durations of at least zero and under 200 000 years.
    var roundedMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds &* 1_000_000 &+ (attoseconds &+ 500_000_000_000) / 1_000_000_000_000
    }
}
