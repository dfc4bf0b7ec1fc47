// SPDX-License-Identifier: Apache-2.0

import Signing

/// The parts of an absolute URL that signatures cover, as they are spelled.
struct RequestURL {
    /// `https://host:port`, without a slash behind it.
    let base: String
    /// Host and port, as the header Host has them.
    let host: String
    /// From the first slash, escaped; `/` at least.
    let path: String
    /// Behind the question mark, escaped; empty for none.
    let query: String

    /// Takes a URL of ours apart. One without a scheme is our own mistake.
    init(_ url: String) {
        let pieces = url.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let address = pieces[0]
        let bytes = Array(address.utf8)
        let mark = Array("://".utf8)
        let start = bytes.indices.first { bytes[$0...].starts(with: mark) }
        guard let start else { preconditionFailure("no scheme in \(address)") }
        let slash = bytes[(start + 3)...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex
        base = String(decoding: bytes[..<slash], as: UTF8.self)
        host = String(decoding: bytes[(start + 3)..<slash], as: UTF8.self)
        path = slash == bytes.endIndex ? "/" : String(decoding: bytes[slash...], as: UTF8.self)
        query = pieces.count > 1 ? String(pieces[1]) : ""
    }

    /// The query's pairs as they are spelled; one without `=` has an empty value.
    var pairs: [(name: String, value: String)] {
        query.split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
        }
    }
}

/// A query in the making: names and values are escaped as they come.
struct QueryText {
    private(set) var text = ""

    /// Adds a pair.
    mutating func add(_ name: String, _ value: String) {
        text += (text.isEmpty ? "?" : "&") + PercentEncoding.component(name) + "=" + PercentEncoding.component(value)
    }
}
