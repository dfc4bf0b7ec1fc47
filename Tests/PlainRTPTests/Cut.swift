// SPDX-License-Identifier: Apache-2.0

import Identity
import NIOCore
import Synchronization

/// A cut in the connections to one node: nothing gets through, and closing them waits for an answer.
final class Cut: Sendable {
    private let node: NodeID?
    private let isOn = Atomic(false)

    init(to name: String) { node = NodeID(parsing: name) }

    func begin() { isOn.store(true, ordering: .relaxed) }

    func end() { isOn.store(false, ordering: .relaxed) }

    func secure(_ channel: any Channel, _ called: NodeID?) throws {
        guard let node, called == node else { return }
        try channel.pipeline.syncOperations.addHandler(Handler(self))
    }

    private final class Handler: ChannelDuplexHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundIn = ByteBuffer

        private let cut: Cut

        init(_ cut: Cut) { self.cut = cut }

        private var isThere: Bool { cut.isOn.load(ordering: .relaxed) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if !isThere { context.fireChannelRead(data) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            if !isThere { context.fireChannelInactive() }
        }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if isThere { promise?.succeed() } else { context.write(data, promise: promise) }
        }

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            if isThere { promise?.succeed() } else { context.close(mode: mode, promise: promise) }
        }
    }
}
