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
    private(set) var sizes: [RenditionSize] = []
    /// The version of the byte writer.
    let packaging: UInt8
    /// Which media time was when, where the part begins a segment; nil where it has no picture then.
    let reference: ReferenceTime?
    /// The units, until every rendition was written.
    private(set) var units: [AccessUnit]
    /// The fragments written so far, by rendition.
    private(set) var fragments: [RenditionBytes] = []

    /// The part of `segment` behind those it has.
    init(_ mark: PartEnd, of segment: WindowSegment, units: [AccessUnit], birth: ParametersBirth?) {
        self.mark = mark
        self.units = units
        number = segment.firstFragmentNumber &+ UInt32(truncatingIfNeeded: segment.parts.count)
        packaging = segment.packaging
        let leading = birth?.leading?.id
        let first = units.first { $0.track == leading }
        let isFirst = mark.position.part == 0
        reference =
            isFirst ? first.map { ReferenceTime(civil: segment.programDateTime, media: $0.presentationTime) } : nil
        let before = segment.duration
        elapsed = before + min(max(mark.duration, .zero), WindowSegment.longest)
        microseconds = elapsed.roundedMicroseconds - before.roundedMicroseconds
        sizes =
            birth.map {
                RenditionSize.measured(fragment(of: []), birth: $0, mark: mark, partTarget: segment.partTarget)
            } ?? []
    }

    /// What a rendition has of it; nil where the rendition is none of its parameters, or they are not known.
    func size(_ rendition: RenditionName) -> RenditionSize? { sizes.first { $0.rendition == rendition } }

    /// Whether a rendition has nothing of it that could be played.
    func isGap(_ rendition: RenditionName) -> Bool { size(rendition)?.isGap ?? !sizes.isEmpty }

    /// What the byte writer needs to write the tracks of a rendition.
    func fragment(of tracks: [Track]) -> Fragment {
        Fragment(
            packaging: packaging, sequenceNumber: number, isFirstInSegment: mark.position.part == 0,
            reference: reference, tracks: tracks.map(\.id), units: units[...], ends: mark.ends)
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
