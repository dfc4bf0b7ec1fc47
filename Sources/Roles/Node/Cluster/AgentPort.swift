// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Placement
import Transport

/// Answers HAProxy's agent check: whoever connects is told one line, and the connection ends.
final class AgentPort: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let check: @Sendable () -> AgentCheck

    init(_ check: @escaping @Sendable () -> AgentCheck) { self.check = check }

    func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { answer(context) } }

    func channelActive(context: ChannelHandlerContext) { answer(context) }

    private func answer(_ context: ChannelHandlerContext) {
        let line = context.channel.allocator.buffer(string: check().line)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(line)).whenComplete { _ in bound.value.close(promise: nil) }
    }
}
