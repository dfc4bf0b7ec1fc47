// SPDX-License-Identifier: Apache-2.0

/// What a player says when it asks for a steering manifest (§7.1), read out of a query, beside what the playlist, or the
/// manifest before, put there.
public struct SteeringQuery: Hashable, Sendable {
    /// A pathway on which a player measured too little.
    public struct Slow: Hashable, Sendable {
        /// PATHWAY-ID.
        public let pathway: String
        /// Bits a second.
        public let throughput: UInt64
        /// For how many requests more it counts.
        public let requests: Int

        /// A pathway of its parts.
        public init(pathway: String, throughput: UInt64, requests: Int) {
            self.pathway = pathway
            self.throughput = throughput
            self.requests = requests
        }
    }

    /// `_HLS_pathway`: the pathway in use; nil where it is not said.
    public var pathway: String?
    /// `_HLS_throughput`: what the player has measured, in bits a second, below 10¹⁵; nil where it is not said.
    public var throughput: UInt64?
    /// `at`: the pathways that the multivariant playlist names.
    public var named: [String] = []
    /// `was`: the pathway in use when the player asked before; nil where it has not.
    public var former: String?
    /// `slow`: the pathways that were too slow.
    public var slow: [Slow] = []

    /// Parses what stands behind the `?` of a request target; what is none of ours changes nothing. At most sixteen
    /// pathways of at most 96 bytes count.
    public init(parsing query: some Sequence<UInt8>) {
        for pair in String(decoding: Array(query), as: UTF8.self).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "_HLS_pathway": pathway = Self.name(parts[1])
            case "_HLS_throughput": throughput = Self.number(parts[1])
            case "at":
                named = []
                for text in Self.items(parts[1]) {
                    if let name = Self.name(text), !named.contains(name) { named.append(name) }
                }
            case "slow": slow = Self.items(parts[1]).compactMap(Self.slowPathway)
            case "was": former = Self.name(parts[1])
            default: break
            }
        }
    }

    /// RELOAD-URI (§7.2): with what the player asks the next time, relative to where it has asked; nil where no playlist has
    /// said what it names. It bears what a server would have to remember of the player.
    public func reload(slow: [Slow]) -> String? {
        guard !named.isEmpty else { return nil }
        var text = "steering.json?at=\(named.joined(separator: ","))"
        if let pathway { text += "&was=\(pathway)" }
        let items = slow.map { "\($0.pathway)*\($0.throughput)*\($0.requests)" }
        return items.isEmpty ? text : text + "&slow=\(items.joined(separator: ","))"
    }

    private static func items(_ text: Substring) -> [Substring] {
        text.replacing("%2C", with: ",").split(separator: ",").prefix(16).map { $0 }
    }

    /// `PATHWAY*THROUGHPUT*REQUESTS`: a browser that writes a query anew leaves asterisks.
    private static func slowPathway(_ text: Substring) -> Slow? {
        let parts = text.replacing("%2A", with: "*").split(separator: "*")
        guard parts.count == 3, let name = Self.name(parts[0]), let throughput = Self.number(parts[1]),
            let requests = Self.number(parts[2])
        else { return nil }
        return Slow(pathway: name, throughput: throughput, requests: Int(clamping: requests))
    }

    /// Decimal digits, at most fifteen.
    private static func number(_ text: Substring) -> UInt64? {
        guard text.utf8.count <= 15, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return UInt64(text)
    }

    /// hls.js says it bare, the draft in quotes.
    private static func name(_ text: Substring) -> String? {
        let bare = text.replacing("%22", with: "").replacing("\"", with: "")
        let isName = bare.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isName && !bare.isEmpty && bare.utf8.count <= 96 ? String(bare) : nil
    }
}
