// SPDX-License-Identifier: Apache-2.0

/// The pathways that were too slow for one player, by what it says that it measured there.
///
/// Whoever answers remembers no player, so this travels with the player: out of one steering manifest, into the request for
/// the next. A pathway stays in it for ``hold`` requests, so that a player that left it is not sent back as soon as it has
/// gone. A player that lies deceives only itself.
public struct SlowPathways: Hashable, Sendable {
    /// A pathway that was too slow.
    public struct Entry: Hashable, Sendable {
        /// PATHWAY-ID.
        public let id: String
        /// What was measured there last, in bits a second.
        public let throughput: UInt64
        /// For how many requests more it counts, 1 to ``SlowPathways/hold``.
        public let requests: Int

        /// An entry of its parts; `requests` beyond the range are taken for the nearest within.
        public init(id: String, throughput: UInt64, requests: Int) {
            self.id = id
            self.throughput = throughput
            self.requests = min(max(requests, 1), SlowPathways.hold)
        }
    }

    /// At most ``most``, each pathway once.
    public private(set) var entries: [Entry] = []

    /// What a player brings; the first of each pathway counts.
    public init(_ entries: [Entry] = []) {
        for entry in entries where self.entries.count < Self.most && throughput(on: entry.id) == nil {
            self.entries.append(entry)
        }
    }

    /// What was measured on a pathway, in bits a second; nil where it was not too slow.
    public func throughput(on id: String) -> UInt64? { entries.first { $0.id == id }?.throughput }

    /// Follows one request. Clearly too slow is a pathway on which less than three quarters of the need were measured; it is so
    /// until the whole need is.
    /// - Parameters:
    ///   - measured: what the player measured on `current`, in bits a second; nil where it has measured nothing there.
    ///   - need: what ``need(of:)`` says of the stream, in bits a second; nil where it is not known.
    /// - Returns: whether `current` has become too slow now.
    @discardableResult
    public mutating func follow(_ current: String?, measured: UInt64?, need: UInt64?) -> Bool {
        entries = entries.filter { $0.requests > 1 }.map {
            Entry(id: $0.id, throughput: $0.throughput, requests: $0.requests - 1)
        }
        guard let current, let measured, let need else { return false }
        let known = entries.firstIndex { $0.id == current }
        if measured >= need {
            if let known { entries.remove(at: known) }
        } else if Double(measured) < Double(need) * Self.tooLittle {
            if let known { entries.remove(at: known) }
            entries.append(Entry(id: current, throughput: measured, requests: Self.hold))
            if entries.count > Self.most { entries.removeFirst() }
            return known == nil
        } else if let known {
            entries[known] = Entry(id: current, throughput: measured, requests: entries[known].requests)
        }
        return false
    }

    /// What a player must get to play the smallest rendition, in bits a second: a fifth more than its mean, and no more than its
    /// peak, as what a player holds carries it over peaks. Where no mean is known it is the peak.
    /// - Parameter renditions: AVERAGE-BANDWIDTH, 0 where it is not known, and BANDWIDTH of each, in bits a second.
    /// - Returns: nil where there are none.
    public static func need(of renditions: [(average: UInt32, peak: UInt32)]) -> UInt64? {
        renditions.map { rendition in
            let peak = UInt64(rendition.peak)
            return rendition.average == 0 ? peak : min(UInt64(rendition.average) * 6 / 5, peak)
        }.min()
    }

    /// For how many requests a pathway that was too slow counts as such: five minutes of ten seconds each, as hls.js stays away
    /// from a pathway that failed.
    public static let hold = 30
    /// The most pathways that count.
    public static let most = 8

    private static let tooLittle = 0.75
}
