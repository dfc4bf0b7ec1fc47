// SPDX-License-Identifier: Apache-2.0

import APIClient
import Foundation
import Testing

@Suite("An API request")
struct APIRequestTests {
    @Test("gets the whole answer of a node and sends what it was told")
    func gets() throws {
        let node = try OneAnswerNode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        var request = APIRequest(host: "127.0.0.1", port: node.port, path: "/api/ping?x=1")
        request.headers.append((name: "Authorization", value: "Bearer abc"))
        let answer = try request.send()
        #expect(answer.status == 200)
        #expect(answer.text == "{}")
        let sent = node.received()
        #expect(
            sent.hasPrefix(
                "GET /api/ping?x=1 HTTP/1.0\r\nHost: 127.0.0.1:\(node.port)\r\nAuthorization: Bearer abc\r\n"))
    }

    @Test("sends its body with its length and type")
    func posts() throws {
        let node = try OneAnswerNode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        var request = APIRequest(host: "127.0.0.1", port: node.port, path: "/api")
        request.method = "POST"
        request.body = Array("{}".utf8)
        #expect(try request.send().status == 200)
        let sent = node.received()
        #expect(sent.hasPrefix("POST /api HTTP/1.0\r\n") && sent.hasSuffix("\r\n\r\n{}"))
        #expect(sent.contains("\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"))
    }

    @Test("says that nothing listens")
    func unreachable() throws {
        let port = try OneAnswerNode("").freedPort()
        #expect(throws: APIFailure.unreachable("127.0.0.1:\(port)")) {
            try APIRequest(host: "127.0.0.1", port: port, path: "/").send()
        }
    }

    @Test("ends when the node accepts and says nothing")
    func silent() throws {
        let node = try OneAnswerNode(nil)
        var request = APIRequest(host: "127.0.0.1", port: node.port, path: "/")
        request.timeout = .milliseconds(50)
        #expect(throws: APIFailure.noAnswer) { try request.send() }
    }

    @Test("sends no line break that a caller brought in", arguments: ["/a\r\nX: y", "/a b", "a", "/\u{0}"])
    func refusesInjection(_ path: String) {
        #expect(throws: APIFailure.badRequest) { try APIRequest(host: "127.0.0.1", port: 1, path: path).send() }
    }
}

@Suite("An API answer")
struct APIAnswerTests {
    @Test("is refused when it is cut at any byte")
    func truncation() {
        let whole = Array("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX: y\r\n\r\nhello".utf8)
        for length in whole.indices {
            #expect(throws: APIFailure.self) { try APIAnswer(parsing: Array(whole[..<length])) }
        }
        #expect(throws: Never.self) { try APIAnswer(parsing: whole) }
    }

    @Test(
        "is refused when it is not HTTP",
        arguments: [
            "", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 2\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        ]
    )
    func refuses(_ text: String) {
        #expect(throws: APIFailure.notHTTP) { try APIAnswer(parsing: Array(text.utf8)) }
    }
}

/// Accepts one connection on loopback, reads a head and gives one answer; with nil it stays silent.
private final class OneAnswerNode: @unchecked Sendable {
    let port: UInt16
    private let listener: Int32
    private let answered = DispatchSemaphore(value: 0)
    // SAFETY: written before `answered` is signalled, read after it was waited for.
    private var head = ""

    init(_ answer: String?) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(descriptor, $0, length) == 0)
                try #require(listen(descriptor, 4) == 0)
                try #require(getsockname(descriptor, $0, &length) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        guard let answer, !answer.isEmpty else { return }
        Thread.detachNewThread { [self] in
            let peer = accept(descriptor, nil, nil)
            var block = [UInt8](repeating: 0, count: 4096)
            let count = recv(peer, &block, block.count, 0)
            head = String(decoding: block.prefix(max(0, count)), as: UTF8.self)
            _ = answer.withCString { send(peer, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
            shutdown(peer, Int32(SHUT_RDWR))
            close(peer)
            answered.signal()
        }
    }

    deinit { close(listener) }

    func received() -> String {
        answered.wait()
        return head
    }

    func freedPort() -> UInt16 {
        shutdown(listener, Int32(SHUT_RDWR))
        return port
    }
}
