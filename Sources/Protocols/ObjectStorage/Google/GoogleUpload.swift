// SPDX-License-Identifier: Apache-2.0

import Objects
import Signing

/// A whole object in one request: `uploadType=multipart` of the JSON API, its body `multipart/related` (RFC 2387).
struct GoogleUpload {
    private let key: ObjectKey
    private let content: ObjectContent
    private let condition: ObjectCondition

    init(_ key: ObjectKey, _ content: ObjectContent, _ condition: ObjectCondition) {
        self.key = key
        self.content = content
        self.condition = condition
    }

    func request(to url: String) -> OutboundRequest {
        var query = QueryText()
        query.add("uploadType", "multipart")
        switch condition {
        case .none: break
        case .absent: query.add("ifGenerationMatch", "0")
        case .matches(let version): query.add("ifGenerationMatch", version.description)
        }
        let md5 = Digest.md5.hash(content.bytes[...])
        let boundary = self.boundary(md5)
        var body = Array(
            ("--\(boundary)\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n\(metadata(md5))\r\n"
                + "--\(boundary)\r\nContent-Type: \(content.mediaType)\r\n\r\n").utf8)
        body.reserveCapacity(body.count + content.bytes.count + boundary.utf8.count + 8)
        body += content.bytes
        body += Array("\r\n--\(boundary)--\r\n".utf8)
        return OutboundRequest(
            method: "POST", url: url + query.text,
            headers: [OutboundHeader("Content-Type", "multipart/related; boundary=\(boundary)")], body: body)
    }

    private func metadata(_ md5: [UInt8]) -> String {
        var fields = [
            ("name", key.description), ("contentType", content.mediaType), ("md5Hash", Base64.standard.text(md5)),
        ]
        if let control = content.cacheControl { fields.append(("cacheControl", control)) }
        return "{" + fields.map { "\(JSONValue.quoted($0)):\(JSONValue.quoted($1))" }.joined(separator: ",") + "}"
    }

    /// A text that the content does not hold but by a collision: 256 bits of a hash of the content's own.
    private func boundary(_ md5: [UInt8]) -> String {
        "millrace-" + Base64.url.text(Digest.sha256.code(key: md5, key.description))
    }
}
