// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// A request that did not come as HTTP/1, written as if it had, so that one decoder judges all of them.
enum RequestText {
    /// Writes and reads a head. Connection-specific fields must be left out by the caller.
    static func decode(
        method: String, path: String, authority: String?, fields: some Sequence<(name: String, value: String)>
    ) throws(RequestRefusal) -> (RequestHead, ByteBuffer) {
        guard method.utf8.allSatisfy(\.isToken), path.utf8.allSatisfy(\.isTarget) else { throw .forbiddenTarget }
        var text = ByteBuffer()
        text.writeString("\(method) \(path) HTTP/1.1\r\n")
        var host = authority
        for field in fields {
            guard field.name.utf8.allSatisfy(\.isToken), field.value.utf8.allSatisfy(\.isFieldValue) else {
                throw .malformedField
            }
            if field.name.lowercased() == "host" {
                host = host ?? field.value
            } else {
                text.writeString("\(field.name): \(field.value)\r\n")
            }
        }
        guard let host, host.utf8.allSatisfy(\.isAuthority) else { throw .invalidHost }
        text.writeString("Host: \(host)\r\n\r\n")
        var decoder = RequestHeadDecoder(maximumLength: .max)
        guard let head = try decoder.decode(text.readableBytesUInt8Span) else { throw .malformedLine }
        return (head, text)
    }
}
