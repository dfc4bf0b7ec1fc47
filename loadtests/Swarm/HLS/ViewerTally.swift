// SPDX-License-Identifier: Apache-2.0

/// What viewers saw, added up; one for all viewers of a thread.
public struct ViewerTally: Hashable, Sendable {
    /// Viewers that began.
    public var joins = 0
    /// Viewers that were shown something.
    public var started = 0
    /// Viewers that went away before.
    public var cutShort = 0
    /// Of these, those that had waited for two seconds and more.
    public var unserved = 0
    /// Viewers whose stream ended.
    public var ended = 0
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
    /// Parts that a hint named and no playlist listed, or that could not be had.
    public var wastedHints = 0
    /// Bytes of playlists, without heads.
    public var playlistBytes = 0
    /// Bytes of media, without heads.
    public var mediaBytes = 0
    /// Answers to viewers who had seen nothing yet that said the stream is not there, or the server full.
    public var notReady = 0
    /// Redirects followed.
    public var redirects = 0
    /// Steering manifests read.
    public var steerings = 0
    /// Times that a viewer went to another pathway.
    public var moves = 0
    /// Times that a viewer began from the beginning.
    public var rejoins = 0
    /// Times that a viewer stood because it had nothing more to show.
    public var stalls = 0
    /// Of these, those of over two seconds.
    public var longStalls = 0
    /// Viewers that stood at least once.
    public var stalledViewers = 0
    /// Viewers that stood for over two seconds at least once.
    public var longStalledViewers = 0
    /// Failures by kind.
    public var faults: [HLSFault: Int] = [:]
    /// How much was shown.
    public var watched: Duration = .zero
    /// How long viewers stood.
    public var stood: Duration = .zero
    /// From a blocking playlist request to its answer.
    public var blockedTimes = Histogram()
    /// From any other playlist request to its answer.
    public var playlistTimes = Histogram()
    /// From a playlist request to an answer that was none.
    public var refusedTimes = Histogram()
    /// From a request for media to its last byte.
    public var mediaTimes = Histogram()
    /// From one playlist with something new to the next.
    public var playlistIntervals = Histogram()
    /// From a viewer's beginning to its first picture.
    public var startTimes = Histogram()
    /// How long viewers stood, each time.
    public var stallTimes = Histogram()
    /// From the publisher's stamp on the first picture of a part or segment to the viewer's last byte of it, of all that
    /// came into being while the viewer watched.
    public var arrivals = Histogram()
    /// From the publisher's stamp on what is shown to when it is shown; of each viewer at even distances, also while it
    /// stands.
    public var latencies = Histogram()

    /// An empty tally.
    public init() {}

    /// Failures of all kinds.
    public var faultCount: Int { faults.values.reduce(0, +) }

    /// Which share of the time viewers stood, of the time from the first picture on; 0 to 1.
    public var rebufferRatio: Double { stood > .zero ? stood / (watched + stood) : 0 }

    mutating func count(_ fault: HLSFault) { faults[fault, default: 0] += 1 }

    /// Adds all that another tally holds.
    public mutating func merge(_ other: ViewerTally) {
        for sum in Self.sums { self[keyPath: sum] += other[keyPath: sum] }
        for histogram in Self.histograms { self[keyPath: histogram].merge(other[keyPath: histogram]) }
        watched += other.watched
        stood += other.stood
        faults.merge(other.faults, uniquingKeysWith: +)
    }

    private static var sums: [WritableKeyPath<ViewerTally, Int>] {
        [
            \.joins, \.started, \.cutShort, \.unserved, \.ended, \.playlists, \.unchangedPlaylists, \.parts, \.segments,
            \.initSections, \.wastedHints, \.playlistBytes, \.mediaBytes, \.notReady, \.redirects, \.steerings,
            \.moves, \.rejoins, \.stalls, \.longStalls, \.stalledViewers, \.longStalledViewers,
        ]
    }

    private static var histograms: [WritableKeyPath<ViewerTally, Histogram>] {
        [
            \.blockedTimes, \.playlistTimes, \.refusedTimes, \.mediaTimes, \.playlistIntervals, \.startTimes,
            \.stallTimes, \.arrivals, \.latencies,
        ]
    }
}
