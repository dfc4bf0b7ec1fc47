// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One blocking request to a node's own HTTP interface, for commands that ask a running node and then end.
///
/// Speaks HTTP/1.0 without keep-alive over a TCP socket, inside TLS where ``trust`` is set, so that an answer ends with the
/// connection (RFC 9112 §6.3); the whole exchange has one deadline and a bounded answer.
public struct APIRequest: Sendable {
    /// The node's address.
    public var host: String
    /// The node's HTTP port.
    public var port: UInt16
    /// The method.
    public var method = "GET"
    /// The path with its query, from the first slash.
    public var path: String
    /// More headers; a value must not hold a line break.
    public var headers: [(name: String, value: String)] = []
    /// The body, JSON; empty for none.
    public var body: [UInt8] = []
    /// The longest that each wait for the node may take.
    public var timeout = Duration.seconds(5)
    /// What the node must prove itself by, for HTTPS; nil for plain HTTP.
    public var trust: APITrust?

    /// A GET of `path`.
    public init(host: String, port: UInt16, path: String) {
        self.host = host
        self.port = port
        self.path = path
    }

    /// Sends the request and waits for the whole answer. Blocks its thread.
    public func send() throws(APIFailure) -> APIAnswer {
        let safe = ([method, path, host] + headers.flatMap { [$0.name, $0.value] })
            .allSatisfy { !$0.utf8.contains { $0 < 0x20 || $0 == 0x7F } }
        guard safe, path.hasPrefix("/"), !path.contains(" ") else { throw .badRequest }
        let connection = APIConnection(try connected())
        if let trust { try connection.secure(for: host, by: trust) }
        try connection.write(head + body)
        return try APIAnswer(parsing: try connection.readAll(within: timeout))
    }

    private var head: [UInt8] {
        var text = "\(method) \(path) HTTP/1.0\r\nHost: \(host.contains(":") ? "[\(host)]" : host):\(port)\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if !body.isEmpty { text += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        return Array((text + "Accept: application/json\r\nConnection: close\r\n\r\n").utf8)
    }

    /// Tries each address of the host in turn.
    private func connected() throws(APIFailure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &found) == 0 else { throw .unknownHost(host) }
        defer { freeaddrinfo(found) }
        var next = found
        while let address = next?.pointee {
            let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
            if descriptor >= 0 {
                bound(descriptor)
                if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return descriptor }
                close(descriptor)
            }
            next = address.ai_next
        }
        throw .unreachable("\(host):\(port)")
    }

    /// Bounds connect, read and write by the timeout (Linux applies SO_SNDTIMEO to connect too).
    private func bound(_ descriptor: Int32) {
        let (seconds, attoseconds) = timeout.components
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        let size = socklen_t(MemoryLayout<timeval>.size)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] { setsockopt(descriptor, SOL_SOCKET, option, &time, size) }
    }
}
