// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity

/// One of the two ways to a stream's feed.
public enum RelayPath: Int, Hashable, Sendable, CaseIterable {
    /// The first parent.
    case first = 0
    /// The second parent.
    case second = 1

    /// The other one.
    public var other: RelayPath { self == .first ? .second : .first }
}

/// Why a subscriber gives a parent up.
public enum RelayParting: Error, Hashable, Sendable {
    /// It did what no parent does.
    case failed(RelayFailure)
    /// It did not answer in time, or said nothing for ``RelaySettings/pathTimeout``.
    case silent
    /// It does not serve the stream, or no longer.
    case refused(RelayRefusal)
    /// It sent us on too often.
    case redirects
    /// Its connection is gone.
    case disconnected
}

/// What a subscriber knows of a parent.
struct ParentState: Sendable {
    /// Where the subscription stands.
    enum Phase { case asked, serving }

    var phase = Phase.asked
    var isPaused: Bool
    /// Whether it was asked for records, and has not said yet where they begin.
    var isAwaited = true
    /// When the parent last said anything; when it was asked, before that.
    var heard: Duration
    /// When it was asked for the stream.
    let asked: Duration
    /// When the gateway was last heard of through it; nil while it has not heard of it.
    var gatewayHeard: Duration?
    /// When it last brought news of the gateway; when it began to serve, before that. However deep a parent stands, and
    /// however old its word is for that, news comes with nearly every heartbeat.
    var refreshed: Duration
    /// What `gatewayHeard` was then.
    private var news: Duration?
    /// Its newest term.
    var term: Term?
    /// Whether it said, since records were asked of it, what it knows to be committed.
    var saidCommit = false

    /// A parent asked at `now`.
    init(isPaused: Bool, now: Duration) {
        self.isPaused = isPaused
        heard = now
        asked = now
        refreshed = now
    }

    /// It has heard of the gateway at `heard`, it says at `now`. A difference below `least` is that of the way here.
    mutating func gateway(heard: Duration, now: Duration, least: Duration) {
        gatewayHeard = heard
        if let news, heard < news + least { return }
        news = heard
        refreshed = now
    }
}

extension RelayParting {
    /// A stable label to count the parting under.
    public var counterName: String {
        switch self {
        case .disconnected: "disconnected"
        case .failed: "failed"
        case .redirects: "redirects"
        case .refused: "refused"
        case .silent: "silent"
        }
    }

    /// All labels.
    public static let counterNames = ["disconnected", "failed", "redirects", "refused", "silent"]
}
