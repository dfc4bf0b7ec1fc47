// SPDX-License-Identifier: Apache-2.0

/// What the file of a delay line says: a port for each region, and a link for each direction between two of them.
///
/// Lines `port REGION INTERFACE` and `link FROM TO DELAY JITTER LOSS RATE`: region numbers 1…255, times in microseconds,
/// loss as a share, rate in bits a second (0 for any).
public struct LinkTable: Equatable, Sendable {
    /// Interface names by region.
    public private(set) var ports: [UInt8: String] = [:]
    /// Settings by direction.
    public private(set) var links: [Pair: LinkSettings] = [:]

    /// One direction between two regions.
    public struct Pair: Hashable, Sendable {
        /// The region that frames leave.
        public let from: UInt8
        /// The region that they reach.
        public let to: UInt8

        /// A direction of its ends.
        public init(from: UInt8, to: UInt8) {
            self.from = from
            self.to = to
        }
    }

    /// Throws on the first line that is not understood, with its text.
    public init(parsing text: String) throws(LinkTableFailure) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 3, words[0] == "port", let region = UInt8(words[1]) {
                ports[region] = words[2]
            } else if let (pair, settings) = Self.link(words) {
                links[pair] = settings
            } else {
                throw .notUnderstood(line: String(line))
            }
        }
    }

    private static func link(_ words: [String]) -> (Pair, LinkSettings)? {
        guard words.count == 7, words[0] == "link", let from = UInt8(words[1]), let to = UInt8(words[2]),
            let delay = Int64(words[3]), (0...longestDelay).contains(delay),
            let jitter = Int64(words[4]), (0...longestDelay).contains(jitter),
            let loss = Double(words[5]), (0...1).contains(loss),
            let rate = Int(words[6]), rate >= 0
        else { return nil }
        let settings = LinkSettings(delay: .microseconds(delay), jitter: .microseconds(jitter), loss: loss, rate: rate)
        return (Pair(from: from, to: to), settings)
    }

    /// A minute, in microseconds: longer would be a mistake of units.
    private static let longestDelay: Int64 = 60_000_000
}

/// Why the file of a delay line can not be used.
public enum LinkTableFailure: Error, Equatable {
    /// Neither a port nor a link within bounds.
    case notUnderstood(line: String)
}
