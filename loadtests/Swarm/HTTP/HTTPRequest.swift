// SPDX-License-Identifier: Apache-2.0

/// One HTTP/1.1 request, the only one of its connection.
public struct HTTPRequest: Hashable, Sendable {
    /// `POST`, `DELETE`, …
    public let method: String
    /// Where it goes.
    public let address: HTTPAddress
    /// Further fields of the head.
    public let fields: [String: String]
    /// The body; empty for none.
    public let body: String

    /// A request of its parts.
    public init(_ method: String, _ address: HTTPAddress, fields: [String: String] = [:], body: String = "") {
        self.method = method
        self.address = address
        self.fields = fields
        self.body = body
    }

    /// As it goes on the wire.
    public var bytes: [UInt8] {
        var head = "\(method) \(address.path) HTTP/1.1\r\nHost: \(address.authority)\r\nUser-Agent: millrace-load\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        if !body.isEmpty || method == "POST" { head += "Content-Length: \(body.utf8.count)\r\n" }
        return Array((head + "Connection: close\r\n\r\n" + body).utf8)
    }
}
