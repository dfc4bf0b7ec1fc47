// SPDX-License-Identifier: Apache-2.0

/// What viewers saw, added up; one for all viewers of an event loop.
public struct ViewerTally: Hashable, Sendable {
    /// Playlists that were answered with 200.
    public var playlists = 0
    /// Of these, those that listed nothing new.
    public var unchangedPlaylists = 0
    /// Parts fetched.
    public var parts = 0
    /// Whole segments fetched.
    public var segments = 0
    /// Init sections fetched.
    public var initSections = 0
    /// Bytes of playlists, without heads.
    public var playlistBytes = 0
    /// Bytes of media, without heads.
    public var mediaBytes = 0
    /// Answers that said the stream is not there yet.
    public var notReady = 0
    /// Viewers that got their first media.
    public var started = 0
    /// Viewers whose stream ended.
    public var ended = 0
    /// Failures by kind.
    public var faults: [HLSFault: Int] = [:]
    /// From a blocking playlist request to its answer.
    public var blockedTimes = Histogram()
    /// From any other playlist request to its answer.
    public var playlistTimes = Histogram()
    /// From a request for media to its last byte.
    public var mediaTimes = Histogram()
    /// From one playlist with something new to the next.
    public var playlistIntervals = Histogram()
    /// From a viewer's beginning to its first media.
    public var startTimes = Histogram()

    /// An empty tally.
    public init() {}

    /// Failures of all kinds.
    public var faultCount: Int { faults.values.reduce(0, +) }

    mutating func count(_ fault: HLSFault) { faults[fault, default: 0] += 1 }

    /// Adds all that another tally holds.
    public mutating func merge(_ other: ViewerTally) {
        playlists += other.playlists
        unchangedPlaylists += other.unchangedPlaylists
        parts += other.parts
        segments += other.segments
        initSections += other.initSections
        playlistBytes += other.playlistBytes
        mediaBytes += other.mediaBytes
        notReady += other.notReady
        started += other.started
        ended += other.ended
        faults.merge(other.faults, uniquingKeysWith: +)
        blockedTimes.merge(other.blockedTimes)
        playlistTimes.merge(other.playlistTimes)
        mediaTimes.merge(other.mediaTimes)
        playlistIntervals.merge(other.playlistIntervals)
        startTimes.merge(other.startTimes)
    }
}
