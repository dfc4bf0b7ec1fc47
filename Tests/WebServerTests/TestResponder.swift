// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization
import Transport
import WebServer

/// A responder whose answers are named by the path, below `/m/`.
final class TestResponder: MediaResponder {
    let waiting = WaitList()
    private(set) var notes: [String] = []
    private var streams: [MediaExchange] = []
    /// What `/m/flood` still has to write.
    private var left = 0
    private var isWriting = false

    static let body = (0..<3).map { ByteBuffer(repeating: UInt8(ascii: "a") + $0, count: 100_000) }
    static let whole = MediaAnswer(
        AnswerHead(
            status: 200, contentType: "video/mp4", cacheControl: "public, max-age=31536000, immutable", etag: "\"v1\""
        ),
        body: body
    )

    static func isMedia(_ target: ByteBufferView) -> Bool { target.starts(with: "/m/".utf8) }

    func respond(to request: MediaRequest, on exchange: MediaExchange) {
        let path = String(decoding: request.path, as: UTF8.self)
        notes.append(path)
        switch path {
        case "/m/big": exchange.send(Self.whole)
        case "/m/wait":
            exchange.tag = waiting.count + 1
            waiting.append(exchange)
        case "/m/release":
            answerWaiting()
            exchange.send(Self.text("released"))
        case "/m/stream":
            if exchange.beginStream(Self.flv) { streams.append(exchange) }
        case "/m/flood":
            left = 8_000_000
            if exchange.beginStream(Self.flv) { flood(exchange) }
        case "/m/last":
            exchange.endConnection()
            exchange.send(Self.text("the last"))
        case "/m/last-stream":
            exchange.endConnection()
            left = 100_000
            if exchange.beginStream(Self.flv) { flood(exchange) }
        case "/m/gone": exchange.send(MediaAnswer(AnswerHead(status: 404, cacheControl: "max-age=1")))
        case "/m/viewer":
            var hasher = Hasher()
            request.identify(into: &hasher)
            notes.append("viewer \(hasher.finalize())")
            let names = [request.userAgent, request.playbackSession].compactMap { $0 }
            exchange.send(Self.text(names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")))
        default: exchange.send(Self.text("echo \(String(decoding: request.target, as: UTF8.self)) \(request.isTLS)"))
        }
    }

    func cancelled(_ exchange: MediaExchange) {
        notes.append("cancelled")
        waiting.remove(exchange)
        streams.removeAll { $0 === exchange }
    }

    func writable(_ exchange: MediaExchange) {
        notes.append(isWriting ? "writable within a write" : "writable")
        flood(exchange)
    }

    func answerWaiting() {
        for _ in 0..<waiting.count {
            if let exchange = waiting.popFirst() { exchange.send(Self.text("waited \(exchange.tag)")) }
        }
    }

    func write(_ text: String) {
        for stream in streams {
            stream.write(ByteBuffer(string: text))
            stream.flush()
        }
    }

    func endStreams() {
        for stream in streams { stream.endStream() }
        streams = []
    }

    func abortStreams() {
        for stream in streams { stream.abort() }
    }

    private func flood(_ exchange: MediaExchange) {
        while left > 0, exchange.isWritable {
            let piece = min(left, 50_000)
            left -= piece
            isWriting = true
            exchange.write(ByteBuffer(repeating: 0x7A, count: piece))
            isWriting = false
        }
        if left == 0 { exchange.endStream() } else { exchange.flush() }
    }

    static func text(_ text: String) -> MediaAnswer {
        MediaAnswer(
            AnswerHead(status: 200, contentType: "text/plain", cacheControl: "no-store", varies: true),
            body: [ByteBuffer(string: text)]
        )
    }

    private static let flv = AnswerHead(status: 200, contentType: "video/x-flv", cacheControl: "no-store")
}

/// Writes down what a server reports.
final class WebLog: WebObserver, TransportObserver {
    private let state = Mutex<[String]>([])
    private let bytes = Mutex(0)

    var entries: [String] { state.withLock { $0 } }
    /// What went out of answers that have no length.
    var streamedBytes: Int { bytes.withLock { $0 } }

    func answered(status: Int, bytes: Int, version: HTTPVersion) { note("\(status) \(bytes) \(version)") }
    func streamed(_ count: Int) { bytes.withLock { $0 += count } }
    func refused(_ refusal: RequestRefusal) { note("refused \(refusal)") }
    func cancelled() { note("cancelled") }
    func timedOut(_ timeout: WebTimeout) { note("timed out \(timeout)") }
    func handedOver(_ version: HTTPVersion) { note("handed over \(version)") }
    func connectionAccepted() {}
    func connectionClosed() {}
    func connectionRefused(_ reason: ConnectionRefusal) { note("refused \(reason)") }
    func handshakeFailed(_ reason: HandshakeFailure) { note("handshake \(reason)") }

    private func note(_ entry: String) { state.withLock { $0.append(entry) } }
}
