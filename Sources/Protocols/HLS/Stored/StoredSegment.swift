// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
public import Media

/// A whole segment as a playlist in the object store lists it: all of its description, nothing of its media.
public struct StoredSegment: Hashable, Sendable {
    /// Its number.
    public let msn: MediaSequenceNumber
    /// The term that its name bears.
    public let term: Term
    /// The init section it is decoded with. In a playlist a gap bears that of the segment before it: it has no media, and
    /// its own may never have been stored.
    public internal(set) var initSection: InitSectionName
    /// How long it is, to the microsecond.
    public let duration: Duration
    /// Civil time at its first unit.
    public let programDateTime: WallTime
    /// Whether EXT-X-DISCONTINUITY stands before it.
    public var isDiscontinuity: Bool
    /// Whether it has no media (EXT-X-GAP).
    public var isGap: Bool

    /// A segment of its parts.
    public init(
        msn: MediaSequenceNumber, term: Term, initSection: InitSectionName, duration: Duration,
        programDateTime: WallTime, isDiscontinuity: Bool = false, isGap: Bool = false
    ) {
        self.msn = msn
        self.term = term
        self.initSection = initSection
        self.duration = duration
        self.programDateTime = programDateTime
        self.isDiscontinuity = isDiscontinuity
        self.isGap = isGap
    }

    /// Civil time behind its last unit.
    public var end: WallTime { programDateTime.advanced(by: duration) }
}

/// Which init section of a rendition: the term that bore it and its number there.
public struct InitSectionName: Hashable, Sendable {
    /// The term.
    public let term: Term
    /// The number.
    public let number: UInt32

    /// A name of its parts.
    public init(term: Term, number: UInt32) {
        self.term = term
        self.number = number
    }
}
