// SPDX-License-Identifier: Apache-2.0

/// What viewers of media that is sent as it comes saw, by WebRTC, RTMP or FLV, added up; one for all viewers of a thread.
public struct PlayTally: Hashable, Sendable {
    /// Sessions that were asked for.
    public var joins = 0
    /// Sessions that the server let watch: whose DTLS was done, or whose question was answered.
    public var connected = 0
    /// Sessions that got a whole picture at which decoding can begin, or sound where there is no video.
    public var started = 0
    /// Sessions that left by their own wish before they saw anything.
    public var cutShort = 0
    /// Of these, those that had waited for two seconds and more.
    public var unserved = 0
    /// Sessions that left by their own wish, and were let go.
    public var left = 0
    /// Packets of media and repairs whose protection fitted; messages of RTMP and tags of FLV.
    public var packets = 0
    /// Their bytes, as they came.
    public var bytes = 0
    /// Of the packets, those before ``settle()``.
    public private(set) var earlyPackets = 0
    /// Of the joins, those of viewers that only count what comes once they have had a picture.
    public var countingJoins = 0
    /// Of the packets, theirs.
    public var countingPackets = 0
    /// Packets that never came, by the numbers of those around them.
    public var lostPackets = 0
    /// Packets that were missing and came when they were asked for.
    public var repairedPackets = 0
    /// Packets that this machine dropped before a viewer read them that opened what came; they are among the missing.
    public var overrunPackets = 0
    /// Packets whose protection did not fit, or that came twice.
    public var badPackets = 0
    /// Whole units of video that can be decoded.
    public var pictures = 0
    /// Units of sound.
    public var sounds = 0
    /// Runs of pictures that were not whole.
    public var lostPictures = 0
    /// Times that nothing new was shown for 150 ms longer than usual, and at least thrice as long; also until the end.
    public var freezes = 0
    /// How long these were, in all.
    public var frozen: Duration = .zero
    /// How long viewers were connected, in all.
    public var present: Duration = .zero
    /// Of this, those that only count what comes.
    public var countingPresent: Duration = .zero
    /// Failures by kind.
    public var faults: [PlayFault: Int] = [:]
    /// From the offer to its answer.
    public var answerTimes = Histogram()
    /// From the offer to the keys of the media.
    public var connectTimes = Histogram()
    /// From the offer to the first picture.
    public var startTimes = Histogram()
    /// From the publisher's stamp on a picture to its last packet.
    public var delays = Histogram()
    /// From one picture to the next.
    public var intervals = Histogram()
    /// How late the viewers' own program was to do what was due.
    public var lags = Histogram()

    /// An empty tally.
    public init() {}

    /// Failures of all kinds.
    public var faultCount: Int { faults.values.reduce(0, +) }

    /// Who has waited so long for a first picture does not go because of its own plans.
    static let longWait: Duration = .seconds(2)

    /// What comes from now on counts as steady.
    public mutating func settle() { earlyPackets = packets }

    mutating func count(_ fault: PlayFault) { faults[fault, default: 0] += 1 }

    /// Adds all that another tally holds.
    public mutating func merge(_ other: PlayTally) {
        for sum in Self.sums { self[keyPath: sum] += other[keyPath: sum] }
        for histogram in Self.histograms { self[keyPath: histogram].merge(other[keyPath: histogram]) }
        frozen += other.frozen
        present += other.present
        countingPresent += other.countingPresent
        faults.merge(other.faults, uniquingKeysWith: +)
    }

    private static var sums: [WritableKeyPath<PlayTally, Int>] {
        [
            \.joins, \.countingJoins, \.countingPackets, \.connected, \.started, \.cutShort, \.unserved, \.left,
            \.packets, \.bytes, \.earlyPackets, \.lostPackets, \.repairedPackets, \.overrunPackets, \.badPackets,
            \.pictures, \.sounds, \.lostPictures, \.freezes,
        ]
    }

    private static var histograms: [WritableKeyPath<PlayTally, Histogram>] {
        [\.answerTimes, \.connectTimes, \.startTimes, \.delays, \.intervals, \.lags]
    }
}

/// Why a viewer failed.
public enum PlayFault: String, Error, Hashable, Sendable, CaseIterable {
    /// Nobody answered its checks, or nobody does any more.
    case checks
    /// No connection for HTTP, or one that broke.
    case connection
    /// A description that no viewer can use.
    case description
    /// The server ended the session.
    case ended
    /// The handshake of DTLS failed.
    case handshake
    /// No socket on this machine.
    case machine
    /// An HTTP answer that is none, or not what the protocol has there.
    case malformed
    /// More redirects than anybody follows.
    case redirects
    /// The server did not want the viewer: 4xx.
    case refused
    /// The server could not: 5xx.
    case server
    /// Connected, and no picture for ten seconds; of a viewer that only counts what comes, no packet for as long.
    case silence
    /// No answer over HTTP for ten seconds.
    case timeout
}
