// SPDX-License-Identifier: Apache-2.0

import Objects

/// A request in the one spelling that both ends of a Signature Version 4 hash.
struct CanonicalRequest {
    /// The text that is hashed.
    let text: String
    /// The names of the headers in it, in order, with semicolons between.
    let signedHeaders: String

    init(_ request: OutboundRequest, payload: String) {
        let url = RequestURL(request.url)
        let headers = Self.headers(request.headers + [OutboundHeader("host", url.host)])
        signedHeaders = headers.map(\.name).joined(separator: ";")
        let lines = headers.map { "\($0.name):\($0.value)\n" }.joined()
        text = [request.method, url.path, Self.query(url), lines, signedHeaders, payload].joined(separator: "\n")
    }

    /// Ordered by name, then by value, by their bytes; a pair without a value has its `=`.
    private static func query(_ url: RequestURL) -> String {
        url.pairs
            .sorted { ($0.name.bytes, $0.value.bytes) < ($1.name.bytes, $1.value.bytes) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// In lower case and ordered; values trimmed, runs of spaces made one, and those of one name joined by commas.
    private static func headers(_ headers: [OutboundHeader]) -> [(name: String, value: String)] {
        var values: [String: [String]] = [:]
        for header in headers {
            let words = header.value.split(separator: " ").joined(separator: " ")
            values[header.name.lowercased(), default: []].append(words)
        }
        return values.map { ($0.key, $0.value.joined(separator: ",")) }.sorted { $0.name.bytes < $1.name.bytes }
    }
}

/// A text that orders by its bytes, where strings order by Unicode's rules.
struct TextBytes: Comparable {
    let utf8: [UInt8]

    static func < (left: TextBytes, right: TextBytes) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }
}

extension String {
    var bytes: TextBytes { TextBytes(utf8: Array(utf8)) }
}
