// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Media

/// One part of one rendition, as the feed's marks bound it: the input of `FragmentWriter`.
public struct Fragment: Sendable {
    /// The version of the byte writer, `SegmentStart.packaging`: one of `Packaging.supported`.
    public var packaging: UInt8
    /// `mfhd` sequence number: the segment's first fragment number plus the part's index.
    public var sequenceNumber: UInt32
    /// Whether the part is the segment's first, which bears `styp`.
    public var isFirstInSegment: Bool
    /// Which media time was when, where the part is to say so: a segment's first, of version 2.
    public var reference: ReferenceTime?
    /// The tracks of the rendition, in the order in which their samples shall stand.
    public var tracks: [TrackID]
    /// The part's units in feed order. Units of other tracks are passed over, so all renditions may share one list.
    public var units: ArraySlice<AccessUnit>
    /// Where each track stands at the part's end (`PartEnd.ends`): what the last unit's duration is counted from.
    public var ends: [TrackTime]

    /// A fragment of its parts.
    public init(
        packaging: UInt8, sequenceNumber: UInt32, isFirstInSegment: Bool, reference: ReferenceTime? = nil,
        tracks: [TrackID], units: ArraySlice<AccessUnit>, ends: [TrackTime]
    ) {
        self.packaging = packaging
        self.sequenceNumber = sequenceNumber
        self.isFirstInSegment = isFirstInSegment
        self.reference = reference
        self.tracks = tracks
        self.units = units
        self.ends = ends
    }
}

/// The samples of one track of a fragment, one after the other, without a copy.
struct SampleCursor {
    private let units: UnsafeBufferPointer<AccessUnit>
    private let track: TrackID
    private let end: Int64?
    private var index: Int

    /// Starts at the track's first unit. `units` must outlive the cursor.
    init(_ units: UnsafeBufferPointer<AccessUnit>, track: TrackID, end: Int64?) {
        self.units = units
        self.track = track
        self.end = end
        index = 0
        skipOthers()
    }

    /// When the next sample is decoded; nil at the end.
    var decodeTime: Int64? { index < units.count ? units[index].decodeTime.ticks : nil }

    /// The next sample, or nil at the end. It lasts until the unit after it, the last until `end`; a time that goes
    /// back makes a duration of 0, and a missing end too.
    mutating func next() -> Sample? {
        guard index < units.count else { return nil }
        let current = index
        index += 1
        skipOthers()
        let start = units[current].decodeTime.ticks
        let next = decodeTime ?? end ?? start
        return Sample(
            duration: next > start ? UInt32(clamping: next &- start) : 0,
            size: UInt32(truncatingIfNeeded: units[current].payload.count),
            flags: units[current].isRandomAccess ? Sample.syncFlags : Sample.dependentFlags,
            compositionOffset: units[current].compositionOffset)
    }

    private mutating func skipOthers() {
        while index < units.count, units[index].track != track { index += 1 }
    }
}
