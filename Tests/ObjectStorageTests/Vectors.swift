// SPDX-License-Identifier: Apache-2.0

import Foundation
import Objects

/// Reads a file of Tests/Vectors/signing.
func vectors<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/signing/\(name)")
    return try JSONDecoder().decode(type, from: Data(contentsOf: file))
}

/// A request of a vector.
struct RequestVector: Decodable {
    let method: String
    let url: String
    let headers: [[String]]
    let body: String

    var request: OutboundRequest {
        // Bodies are written as ISO 8859-1: a character a byte.
        let bytes = body.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        return OutboundRequest(
            method: method, url: url, headers: headers.map { OutboundHeader($0[0], $0[1]) }, body: bytes)
    }
}

extension OutboundRequest {
    /// The value of a header.
    func value(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}
