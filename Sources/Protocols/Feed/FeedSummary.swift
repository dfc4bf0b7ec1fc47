// SPDX-License-Identifier: Apache-2.0

public import Media

/// What a feed has come to: all that whoever appends next must know of what was appended.
///
/// The sequencer keeps one of its own records. Whoever holds a feed's records makes the same one by appending them
/// here in order, and begins a later term with it.
public struct FeedSummary: Hashable, Sendable {
    /// The number that the next segment takes.
    public private(set) var nextSegment: MediaSequenceNumber
    /// The number that the next fragment takes.
    public private(set) var nextFragment: UInt32 = 1
    /// EXT-X-DISCONTINUITY-SEQUENCE of the newest segment.
    public private(set) var discontinuitySequence: UInt64 = 0
    /// How many segments have ended.
    public private(set) var segmentsEnded: UInt64 = 0
    /// The longer of the first two segments, which EXT-X-TARGETDURATION must hold.
    public private(set) var longestOfFirstTwo: Duration = .zero
    /// EXT-X-TARGETDURATION, once a segment start has said it.
    public private(set) var targetDuration: Int?
    /// The newest parameters.
    public private(set) var parameters: Parameters?
    /// Where each track's next unit begins, as the newest mark says.
    public private(set) var ends: [TrackTime] = []
    /// The part that is open or would be; nil between segments. A part without units since the newest mark is only
    /// needed to end its segment.
    public private(set) var openPart: PartPosition?
    /// Whether the stream has ended.
    public private(set) var hasEnded = false

    private var segmentDuration: Duration = .zero
    /// The civil time stated last that was not counted on, and the media time since. Kept apart, so that rounding to
    /// milliseconds does not add up.
    private var statedDate: WallTime?
    private var sinceStated: Duration = .zero

    /// The summary of a stream without records, whose first segment will be `firstSegment`.
    public init(firstSegment: MediaSequenceNumber) { nextSegment = firstSegment }

    /// Takes in the next record.
    public mutating func append(_ record: FeedRecord) {
        switch record {
        case .accessUnit, .stored: break
        case .end: hasEnded = true
        case .gap(let gap): append(gap)
        case .parameters(let parameters): self.parameters = parameters
        case .partEnd(let end): append(end)
        case .segmentStart(let start): append(start)
        }
    }
}

extension FeedSummary {
    /// Civil time at a segment's start, counted on by media time; nil before the first segment.
    func countedDate(firstDecodeTimes: [TrackTime], isDiscontinuity: Bool) -> WallTime? {
        let hole = isDiscontinuity ? .zero : hole(before: firstDecodeTimes)
        return statedDate?.advanced(by: sinceStated + hole)
    }

    private mutating func count(on start: SegmentStart) {
        let counted = countedDate(
            firstDecodeTimes: start.firstDecodeTimes, isDiscontinuity: start.isDiscontinuity)
        if counted == start.programDateTime {
            sinceStated += start.isDiscontinuity ? .zero : hole(before: start.firstDecodeTimes)
        } else {
            statedDate = start.programDateTime
            sinceStated = .zero
        }
    }

    /// How long the leading track stands still before a segment.
    private func hole(before times: [TrackTime]) -> Duration {
        guard let leading = parameters?.leadingTrack,
            let end = ends.first(where: { $0.track == leading.id }),
            let start = times.first(where: { $0.track == leading.id })
        else { return .zero }
        return MediaTime(ticks: max(0, start.ticks &- end.ticks), timescale: leading.timescale).duration
    }

    /// What is missing took its time: all tracks go on behind it.
    private mutating func append(_ gap: Gap) {
        nextSegment = max(nextSegment, gap.msn &+ 1)
        openPart = nil
        sinceStated += gap.duration
        ends = ends.map { end in
            guard let track = parameters?.tracks.first(where: { $0.id == end.track }) else { return end }
            return TrackTime(track: end.track, ticks: end.ticks &+ gap.duration.ticks(track.timescale))
        }
    }

    private mutating func append(_ start: SegmentStart) {
        nextSegment = start.msn &+ 1
        nextFragment = start.firstFragmentNumber
        discontinuitySequence = start.discontinuitySequence
        targetDuration = start.targetDuration ?? targetDuration
        count(on: start)
        ends = start.firstDecodeTimes
        segmentDuration = .zero
        openPart = PartPosition(msn: start.msn, part: 0)
    }

    private mutating func append(_ end: PartEnd) {
        if end.hasMedia { nextFragment &+= 1 }
        ends = end.ends
        segmentDuration += end.duration
        sinceStated += end.duration
        openPart = PartPosition(msn: end.position.msn, part: end.position.part &+ 1)
        guard end.closesSegment else { return }
        openPart = nil
        segmentsEnded += 1
        if segmentsEnded <= 2 { longestOfFirstTwo = max(longestOfFirstTwo, segmentDuration) }
    }
}

extension PartEnd {
    /// Whether there is a part. A segment whose last part was ended before anyone knew it would be the last is ended by
    /// a mark without units: its duration is zero, and it is neither listed nor numbered as a fragment.
    public var hasMedia: Bool { duration > .zero }
}

extension Parameters {
    /// The track whose units cut segments and parts; nil without tracks.
    public var leadingTrack: Track? { tracks.leading }
}

extension [Track] {
    /// The video track with the smallest pictures, which a publisher of several layers gives up last; else the first track.
    var leading: Track? {
        var found: Track?
        for track in self where track.codec.isVideo && track.pixels < found?.pixels ?? .max { found = track }
        return found ?? first
    }
}
