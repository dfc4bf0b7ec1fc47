// SPDX-License-Identifier: Apache-2.0

/// What is known of a subscriber's wish to receive.
struct Subscriber: Sendable {
    var consent: Consent

    enum Consent: Sendable {
        /// Its address is on the list of those that always want. No exit.
        case allowed
        /// It was asked and has not answered: nothing is sent. Exits: willing, or gone.
        case asked(Question)
        /// It answered. Exits: due.
        case willing(until: Duration)
        /// Its answer is old and it is asked again, receiving meanwhile. Exits: willing, or gone.
        case due(Question)
    }

    /// A question that stands.
    struct Question: Sendable {
        let token: ProbeToken
        var sent = 1
        var next: Duration
    }

    var receives: Bool { if case .asked = consent { false } else { true } }

    /// The question that an answer must be of.
    var question: Question? {
        switch consent {
        case .asked(let question), .due(let question): question
        case .allowed, .willing: nil
        }
    }
}

/// What a probe says and its answer repeats, so that only who receives at an address can answer for it.
public struct ProbeToken: Hashable, Sendable {
    /// The first eight bytes, big-endian.
    public let high: UInt64
    /// The last eight bytes, big-endian.
    public let low: UInt64

    /// A token of these bits.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new one.
    static func random(using random: inout some RandomNumberGenerator) -> ProbeToken {
        ProbeToken(high: random.next(), low: random.next())
    }
}
