// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Testing
import Transport
import WebServer

/// A door in memory, on a clock that moves when told to.
struct DoorHarness {
    let channel = EmbeddedChannel()
    let responder = TestResponder()
    let log = WebLog()
    let loop: WebLoop

    init(_ settings: WebSettings = WebSettings(), peer: UInt32 = 0x7F00_0001) throws {
        loop = WebLoop(
            eventLoop: channel.eventLoop, responder: responder, site: Self.site, settings: settings, observer: log
        )
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try loop.openHTTP1(on: channel, peer: PeerAddress(ipv4: peer), isTLS: false)
    }

    func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    /// All that was sent since the last time; the Date line is checked and taken out.
    func received() throws -> String {
        var text = ""
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: bytes) }
        return text.replacing(/Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n/, with: "")
    }

    func advance(by time: TimeAmount) { channel.embeddedEventLoop.advanceTime(by: time) }

    /// The heads and bodies of an answer of text.
    static func answer(_ body: String, connection: String = "") -> String {
        "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nVary: Accept-Encoding\r\nAccess-Control-Allow-Origin: *\r\n"
            + "Access-Control-Expose-Headers: Content-Length, Content-Range, Date, ETag, Retry-After\r\n"
            + "Content-Type: text/plain\r\nAccept-Ranges: bytes\r\nContent-Length: \(body.utf8.count)\r\n"
            + connection + "\r\n" + body
    }

    static let site = WebSite(isMedia: TestResponder.isMedia, application: application, logger: Logger(label: "test"))

    private static var application: any HTTPResponder<WebRequestContext> {
        let router = Router(context: WebRequestContext.self)
        router.get("/page") { _, context in "page for \(context.peer.isLoopback) \(context.isTLS)" }
        router.post("/echo") { request, _ in
            let body = try await request.body.collect(upTo: 1_000_000)
            return "posted " + String(buffer: body)
        }
        return router.buildResponder()
    }
}
