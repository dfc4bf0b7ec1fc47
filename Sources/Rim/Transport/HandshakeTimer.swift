// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOTLS

/// Closes a connection whose TLS handshake fails or takes too long, and leaves when it is complete.
final class HandshakeTimer: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let timeout: TimeAmount
    private let observer: any TransportObserver
    private var deadline: Scheduled<Void>?
    private var isOver = false

    init(timeout: TimeAmount, observer: any TransportObserver) {
        self.timeout = timeout
        self.observer = observer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.fail(.timeout, context: context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            isOver = true
            context.fireUserInboundEventTriggered(event)
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(.refused, context: context) }

    func channelInactive(context: ChannelHandlerContext) {
        fail(.refused, context: context)
        context.fireChannelInactive()
    }

    private func fail(_ reason: HandshakeFailure, context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        observer.handshakeFailed(reason)
        context.close(promise: nil)
    }
}
