// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Which share of an audience an operator wants on which pathways.
public struct SteeringOrder: Hashable, Sendable {
    /// The stream; nil for all that have no order of their own.
    public let stream: StreamID?
    /// Unix milliseconds at whoever gave it; a later order about the same overrides an earlier one.
    public let time: UInt64
    /// Unix milliseconds from which on it does not count any more.
    public let expires: UInt64
    /// The shares, at most 8, of which all together are at most the whole; none takes back what was ordered before.
    public let shares: [PathwayShare]

    /// An order of its parts.
    public init(stream: StreamID?, time: UInt64, expires: UInt64, shares: [PathwayShare]) {
        self.stream = stream
        self.time = time
        self.expires = expires
        self.shares = shares
    }

    /// Whether this replaces `other` wherever the two meet. Of two of one moment that counts which lasts longer, then the
    /// later by its text, so that all who heard both hold the same.
    public func overrides(_ other: SteeringOrder) -> Bool {
        (time, expires, text) > (other.time, other.expires, other.text)
    }

    /// Whether it counts at a moment, and was given by a clock that is at most a day ahead.
    /// - Parameter now: Unix milliseconds.
    public func isPlausible(at now: UInt64) -> Bool {
        guard expires > now else { return false }
        return expires - now <= Self.longest && (time <= now || time - now <= Self.mostAhead)
    }

    /// The same, so that it overrides `known`, which may have been given by a clock that is ahead.
    public func following(_ known: SteeringOrder?) -> SteeringOrder {
        guard let known, time <= known.time, known.time < .max else { return self }
        return SteeringOrder(stream: stream, time: known.time + 1, expires: expires, shares: shares)
    }

    /// The shares as one text.
    private var text: String { shares.map { "\($0.pathway)=\($0.percent)" }.joined(separator: ",") }

    private static let mostAhead: UInt64 = 86_400_000
    /// A week, given by a clock that is a day ahead.
    private static let longest: UInt64 = 8 * 86_400_000

    /// How many shares an order may have.
    public static let mostShares = 8
}

/// How much of an audience is to be on a pathway.
public struct PathwayShare: Hashable, Sendable {
    /// PATHWAY-ID.
    public let pathway: String
    /// Of a hundred viewers so many; none for a pathway that is to be left.
    public let percent: UInt8

    /// A share of its parts; nil for a name that is none (RFC 8216bis §4.4.6.2: letters, digits, `.`, `-` and `_`), one of
    /// over 96 bytes, or over a hundred of a hundred.
    public init?(pathway: String, percent: UInt8) {
        let isName = pathway.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isName, (1...Self.longestName).contains(pathway.utf8.count), percent <= 100 else { return nil }
        self.pathway = pathway
        self.percent = percent
    }

    /// The longest name of a pathway, in bytes.
    public static let longestName = 96
}

extension [PathwayShare] {
    /// Whether they can be those of one order: no pathway twice, and not over the whole together.
    public var isOneAudience: Bool {
        count <= SteeringOrder.mostShares && Set(map(\.pathway)).count == count
            && reduce(0) { $0 + Int($1.percent) } <= 100
    }
}
