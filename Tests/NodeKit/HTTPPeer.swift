// SPDX-License-Identifier: Apache-2.0

package import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestKit

/// An answer, taken apart.
package struct HTTPAnswer: Sendable {
    /// The status code.
    package let status: Int
    /// The fields by their names in lower case.
    package let fields: [String: String]
    /// The body, without chunks.
    package let body: [UInt8]

    /// The body as text.
    package var text: String { String(decoding: body, as: UTF8.self) }

    /// An answer of the bytes of a connection that has ended; nil where they are not a whole answer.
    package init?(_ bytes: [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first?.split(separator: " "), first.count > 1, let code = Int(first[1]) else {
            return nil
        }
        status = code
        fields = lines.dropFirst().reduce(into: [:]) { fields, line in
            guard let colon = line.firstIndex(of: ":") else { return }
            fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].drop { $0 == " " }.description
        }
        let rest = bytes[end.upperBound...]
        body = fields["transfer-encoding"] == "chunked" ? Self.joined(rest) : Array(rest)
    }

    private static func joined(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var (rest, body) = (bytes, [UInt8]())
        while let end = rest.firstRange(of: [13, 10]) {
            let line = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
            guard let length = Int(line, radix: 16), length > 0, rest.count >= end.upperBound - rest.startIndex + length
            else { return body }
            body += rest[end.upperBound..<end.upperBound + length]
            rest = rest[(end.upperBound + length)...].dropFirst(2)
        }
        return body
    }
}

/// A connection to a port, of which every byte is kept.
package final class HTTPPeer: Sendable {
    private let channel: any Channel
    private let received: Received

    fileprivate final class Received: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    private init(_ channel: any Channel, _ received: Received) {
        self.channel = channel
        self.received = received
    }

    /// Connects and sends `text`.
    package static func open(
        _ port: Int, sending text: String, from host: String = "127.0.0.1", isSecured: Bool = false
    ) async throws -> HTTPPeer {
        let received = Received()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: SocketAddress(ipAddress: host, port: 0))
            .channelOption(.socketOption(.so_rcvbuf), value: 65536)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if isSecured { try channel.pipeline.syncOperations.addHandler(Self.tls()) }
                    try channel.pipeline.syncOperations.addHandler(Keeper(received))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        // Where the node has closed already, that is what there is to see.
        try? await channel.writeAndFlush(ByteBuffer(string: text))
        return HTTPPeer(channel, received)
    }

    /// One request and its answer.
    package static func ask(
        _ port: Int, _ method: String, _ target: String, fields: [String: String] = [:], body: String? = nil,
        from host: String = "127.0.0.1", isSecured: Bool = false
    ) async throws -> HTTPAnswer {
        let request = request(method, target, fields: fields, body: body, port: port)
        let peer = try await open(port, sending: request, from: host, isSecured: isSecured)
        let limit = peer.channel.closesItself()
        try? await peer.channel.closeFuture.get()
        limit.cancel()
        guard let answer = HTTPAnswer(peer.bytes) else {
            throw NeverHappened(description: "an answer to \(method) \(target): \(peer.bytes.count) bytes")
        }
        return answer
    }

    /// Believes any certificate.
    private static func tls() throws -> NIOSSLClientHandler {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateVerification = .none
        return try NIOSSLClientHandler(context: NIOSSLContext(configuration: settings), serverHostname: nil)
    }

    /// The text of a request that ends its connection.
    package static func request(
        _ method: String, _ target: String, fields: [String: String] = [:], body: String? = nil, port: Int
    ) -> String {
        var lines = ["\(method) \(target) HTTP/1.1", "Connection: close"]
        if fields["Host"] == nil { lines.append("Host: 127.0.0.1:\(port)") }
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        lines += fields.map { "\($0): \($1)" }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")
    }

    /// All that has come.
    package var bytes: [UInt8] { received.bytes.withLock { $0 } }

    /// How much has come.
    package var count: Int { received.bytes.withLock { $0.count } }

    /// Whether the other end has closed.
    package var isClosed: Bool { !channel.isActive }

    /// Reads no more, or again.
    package func read(_ isOn: Bool) async throws { try await channel.setOption(.autoRead, value: isOn).get() }

    /// Goes away.
    package func vanish() async { try? await channel.close() }
}

extension Channel {
    /// Closes in a minute, whatever is waited for: a test is to fail and not to stand.
    func closesItself() -> Scheduled<Void> {
        eventLoop.scheduleTask(in: .seconds(60)) { [self] in close(promise: nil) }
    }
}

private final class Keeper: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let received: HTTPPeer.Received

    init(_ received: HTTPPeer.Received) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        received.bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
