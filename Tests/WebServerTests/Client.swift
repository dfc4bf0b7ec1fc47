// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL

/// The other end of a connection, which knows nothing of HTTP.
final class Client {
    let channel: any Channel
    private var inbound: AsyncStream<ByteBuffer>.AsyncIterator
    private(set) var unread = ""

    init(
        to address: SocketAddress, trusting certificate: String? = nil, receiveBuffer: Int32? = nil,
        speaking version: String = "http/1.1"
    ) async throws {
        let (stream, sink) = AsyncStream.makeStream(of: ByteBuffer.self)
        inbound = stream.makeAsyncIterator()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
                .channelOption(.autoRead, value: false)
        }
        channel = try await bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let certificate {
                    var settings = TLSConfiguration.makeClientConfiguration()
                    settings.trustRoots = .file(certificate)
                    settings.applicationProtocols = [version]
                    let context = try NIOSSLContext(configuration: settings)
                    let handler = try NIOSSLClientHandler(context: context, serverHostname: "edge.test")
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
                try channel.pipeline.syncOperations.addHandler(Sink(sink))
            }
        }
        .connect(to: address).get()
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    /// Reads up to and including a text, which is taken away; all that came if the other side closes before.
    func read(upTo mark: String) async -> String {
        while !unread.contains(mark), await more() {}
        guard let range = unread.firstRange(of: mark) else { return takeAll() }
        let text = String(unread[..<range.upperBound])
        unread.removeSubrange(..<range.upperBound)
        return text
    }

    /// Reads until the other side closes.
    func rest() async -> String {
        while await more() {}
        return takeAll()
    }

    private func more() async -> Bool {
        guard let bytes = await inbound.next(isolation: nil) else { return false }
        unread += String(buffer: bytes)
        return true
    }

    private func takeAll() -> String {
        defer { unread = "" }
        return unread
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
