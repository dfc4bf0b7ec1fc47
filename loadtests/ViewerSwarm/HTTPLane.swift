// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Swarm

/// One HTTP/1.1 connection of a viewer, with at most one request under way.
final class HTTPLane: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let number: Int
    private(set) weak var viewer: HLSViewer?
    private let authority: String
    private var decoder = HTTPAnswerDecoder()
    private var channel: (any Channel)?
    /// Waits for the connection.
    private var pending: HLSRequest?

    init(_ viewer: HLSViewer, number: Int, authority: String) {
        self.viewer = viewer
        self.number = number
        self.authority = authority
    }

    func send(_ request: HLSRequest) {
        guard let channel else {
            pending = request
            return
        }
        decoder.keepsBodies = request.wantsBody
        let head = "GET \(request.path) HTTP/1.1\r\nHost: \(authority)\r\nUser-Agent: millrace-load\r\n\r\n"
        channel.writeAndFlush(channel.allocator.buffer(string: head), promise: nil)
    }

    func close() {
        viewer = nil
        channel?.close(promise: nil)
    }

    func channelActive(context: ChannelHandlerContext) {
        guard viewer != nil else { return context.close(promise: nil) }
        channel = context.channel
        if let pending { send(pending) }
        pending = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
            var input = bytes
            do throws(HTTPFailure) {
                while let answer = try decoder.next(&input) { deliver(answer, context) }
            } catch {
                viewer?.lost(self, .malformed)
                context.close(promise: nil)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        channel = nil
        if let answer = decoder.finish() { viewer?.receive(answer, on: self) }
        viewer?.lost(self, .connection)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func deliver(_ answer: HTTPAnswer, _ context: ChannelHandlerContext) {
        viewer?.receive(answer, on: self)
        if answer.isLast { context.close(promise: nil) }
    }
}
