// SPDX-License-Identifier: Apache-2.0

/// A request that a node sends to somebody else's HTTP server, whole: signed, if it is signed.
public struct OutboundRequest: Hashable, Sendable {
    /// The method.
    public var method: String
    /// The whole URL, escaped, as it must go out: a signature covers its spelling.
    public var url: String
    /// The headers in order, without Host and Content-Length, which the URL and the body say.
    public var headers: [OutboundHeader]
    /// The body; empty for none.
    public var body: [UInt8]

    /// A request.
    public init(method: String, url: String, headers: [OutboundHeader] = [], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// A header field.
public struct OutboundHeader: Hashable, Sendable {
    /// Its name, in the case in which it goes out.
    public let name: String
    /// Its value, without a line break.
    public let value: String

    /// A header field; a line break within is our own mistake.
    public init(_ name: String, _ value: String) {
        precondition((name + value).utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "a header with a control character")
        self.name = name
        self.value = value
    }
}

/// What came back.
public struct OutboundAnswer: Hashable, Sendable {
    /// The status code.
    public let status: Int
    /// The headers, their names in lower case; of two of one name the last.
    public let headers: [String: String]
    /// The body.
    public let body: [UInt8]

    /// An answer.
    public init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
