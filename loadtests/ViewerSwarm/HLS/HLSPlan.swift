// SPDX-License-Identifier: Apache-2.0

import Cluster
import Swarm

/// What the viewers of a run do.
struct HLSPlan: Sendable {
    /// The playlist of each stream, at each place where it can be asked for.
    let targets: [[HTTPAddress]]
    let viewers: Int
    let settings: HLSViewerSettings
    let beginning: Duration
    let length: Duration
    let ramp: Duration
    /// How long one stays on average before another comes in its place; nil for to the end.
    let stay: Duration?
    /// Who watches which stream; nil for each as many.
    let audience: Audience?
    /// Addresses from which they look; empty for any.
    let sources: [IPAddress]
    let seed: UInt64

    /// How many seconds it has gone on.
    var passed: Int { Int(min(length, Duration.sinceBoot - beginning) / .seconds(1)) }
}

/// What came of it, of one thread or of all.
struct HLSOutcome: Sendable {
    var tally = ViewerTally()
    /// How late threads were: far above a few milliseconds the viewers' own machine was too small for them.
    var lags = Histogram()
    var samples: [HLSSample] = []

    /// Adds what another thread saw at the same time.
    mutating func merge(_ other: HLSOutcome) {
        tally.merge(other.tally)
        lags.merge(other.lags)
        for (index, sample) in other.samples.enumerated() {
            if index < samples.count { samples[index].merge(sample) } else { samples.append(sample) }
        }
    }
}

/// One second of a run.
struct HLSSample: Sendable {
    var joining = 0
    var playing = 0
    var standing = 0
    var joins: Int
    var stalls: Int
    var moves: Int
    var faults: Int
    var answers: Int
    var bytes: Int
    var latencies: Histogram

    init(_ tally: ViewerTally, since earlier: ViewerTally) {
        joins = tally.joins - earlier.joins
        stalls = tally.stalls - earlier.stalls
        moves = tally.moves - earlier.moves
        faults = tally.faultCount - earlier.faultCount
        answers = tally.answers - earlier.answers
        bytes = tally.bytes - earlier.bytes
        latencies = tally.latencies.since(earlier.latencies)
    }

    mutating func merge(_ other: HLSSample) {
        joining += other.joining
        playing += other.playing
        standing += other.standing
        joins += other.joins
        stalls += other.stalls
        moves += other.moves
        faults += other.faults
        answers += other.answers
        bytes += other.bytes
        latencies.merge(other.latencies)
    }
}

extension ViewerTally {
    /// Answers of 200 of all kinds.
    var answers: Int { playlists + parts + segments + initSections + steerings }
    /// Bytes of all kinds, without heads.
    var bytes: Int { playlistBytes + mediaBytes }
}
