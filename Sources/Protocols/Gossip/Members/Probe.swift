// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// One look at whether one member lives.
struct Probe: Sendable {
    enum Stage: Sendable {
        /// It was pinged itself. Exits: answered, or `indirect` when the probe timeout is over.
        case direct
        /// Others were asked to ping it, and it was pinged over a stream. Exits: answered, or failed at the end.
        case indirect
    }

    let sequence: UInt32
    let place: Int
    /// Which life of it was probed; an accusation is of that.
    let incarnation: UInt64
    /// When the look is over.
    let end: Duration
    var stage: Stage = .direct
    /// When the stage is over.
    var deadline: Duration
    /// How many were asked, each of whom says after a while that it lives itself.
    var asked = 0
    var nacks = 0

    /// What a failure says of this node's own health: those who were asked and were silent too are more likely to be
    /// out of this node's reach than dead.
    var penalty: Int { asked > 0 ? max(0, asked - nacks) : 1 }
}

/// The pings that others asked for.
struct RelayedProbes: Sendable {
    private struct Relay: Sendable {
        /// Of the ping that was sent on.
        let sequence: UInt32
        /// Of the request.
        let asked: UInt32
        let asker: Endpoint
        /// When the asker is told that there is no answer yet.
        var nackAt: Duration
        /// When an answer is of no use any more.
        let end: Duration
    }

    private(set) var deadline: Duration = .never
    private var relays: [Relay] = []

    mutating func insert(sequence: UInt32, asked: UInt32, asker: Endpoint, nackAt: Duration, end: Duration) {
        guard relays.count < Self.limit else { return }
        relays.append(Relay(sequence: sequence, asked: asked, asker: asker, nackAt: nackAt, end: end))
        deadline = min(deadline, nackAt)
    }

    /// Who asked for the ping that is answered, and under which number.
    mutating func take(_ sequence: UInt32) -> (asker: Endpoint, asked: UInt32)? {
        guard let index = relays.firstIndex(where: { $0.sequence == sequence }) else { return nil }
        let relay = relays.remove(at: index)
        return (relay.asker, relay.asked)
    }

    /// Who is to be told that there is no answer yet, each once.
    mutating func late(now: Duration) -> [(asker: Endpoint, asked: UInt32)] {
        var late: [(asker: Endpoint, asked: UInt32)] = []
        for index in relays.indices where relays[index].nackAt <= now {
            late.append((relays[index].asker, relays[index].asked))
            relays[index].nackAt = .never
        }
        relays.removeAll { $0.end <= now }
        deadline = relays.reduce(.never) { min($0, $1.nackAt, $1.end) }
        return late
    }

    mutating func forgetAll() {
        relays.removeAll()
        deadline = .never
    }

    /// More at once are not answered: they are asked of others too.
    private static let limit = 256
}
