// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NIOCore
import NIOPosix
import Synchronization
import Transport

/// Counts what a transport reports.
final class TransportLog: TransportObserver {
    private let state = Mutex<[String]>([])

    var entries: [String] { state.withLock { $0 } }

    func connectionAccepted() { note("accepted") }
    func connectionClosed() { note("closed") }
    func connectionRefused(_ reason: ConnectionRefusal) { note("refused \(reason)") }
    func handshakeFailed(_ reason: HandshakeFailure) { note("handshake \(reason)") }

    private func note(_ entry: String) { state.withLock { $0.append(entry) } }
}

/// Answers every byte with itself.
final class Echo: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { context.writeAndFlush(data, promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
    }
}

/// The other end of a connection: what it received, in order.
struct Client {
    let channel: any Channel
    let inbound: AsyncStream<ByteBuffer>

    static func connect(to address: SocketAddress, on group: any EventLoopGroup) async throws -> Client {
        let (inbound, sink) = AsyncStream.makeStream(of: ByteBuffer.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Sink(sink)) }
            }
            .connect(to: address).get()
        return Client(channel: channel, inbound: inbound)
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    /// All that comes until the other side closes.
    func rest() async -> String {
        var text = ""
        for await bytes in inbound { text += String(buffer: bytes) }
        return text
    }

    /// What comes until so many bytes are there.
    func receive(_ count: Int) async -> String {
        var text = ""
        for await bytes in inbound {
            text += String(buffer: bytes)
            if text.utf8.count >= count { break }
        }
        return text
    }

    private final class Sink: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let sink: AsyncStream<ByteBuffer>.Continuation

        init(_ sink: AsyncStream<ByteBuffer>.Continuation) { self.sink = sink }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) { sink.yield(unwrapInboundIn(data)) }
        func channelInactive(context: ChannelHandlerContext) { sink.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// A directory with certificates made by the openssl program.
struct Certificates: ~Copyable {
    let directory: String
    var files: TLSFiles { TLSFiles(certificates: directory + "/cert.pem", key: directory + "/key.pem") }

    init() throws {
        directory = FileManager.default.temporaryDirectory.path + "/millrace-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Puts a new certificate for a name in the place of the old one.
    func issue(name: String) async throws {
        try await run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=\(name) "
                + "-addext subjectAltName=DNS:\(name) -keyout \(directory)/key.pem -out \(directory)/cert.pem 2>/dev/null"
        )
    }
}
