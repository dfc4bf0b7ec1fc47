// SPDX-License-Identifier: Apache-2.0

/// What a player says when it asks for a steering manifest (§7.1), read out of a query, beside what the playlist put there.
public struct SteeringQuery: Hashable, Sendable {
    /// `_HLS_pathway`: the pathway in use; nil where it is not said.
    public var pathway: String?
    /// `at`: the pathways that the multivariant playlist names.
    public var named: [String] = []

    /// Parses what stands behind the `?` of a request target; what is none of ours changes nothing. At most sixteen
    /// pathways of at most 96 bytes count.
    public init(parsing query: some Sequence<UInt8>) {
        for pair in String(decoding: Array(query), as: UTF8.self).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "_HLS_pathway": pathway = Self.name(parts[1])
            case "at":
                named = []
                for text in parts[1].replacing("%2C", with: ",").split(separator: ",").prefix(16) {
                    if let name = Self.name(text), !named.contains(name) { named.append(name) }
                }
            default: break
            }
        }
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
