// SPDX-License-Identifier: Apache-2.0

import Bytes
import NIOCore
import Telemetry
import Transport
import WebRTC

/// One connection of ICE over TCP: packets in frames (RFC 4571), checks, DTLS and media alike (RFC 6544 §3).
///
/// Until its first packet proves to be a check with the password of a session it is nobody's: it holds no more than one
/// packet, and gets no answer. Until it is the way of a session it has little time.
final class StreamConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let door: StreamDoor
    private let way: StreamWay
    private var decoder = FramedPacketDecoder()
    private var isProven = false
    private var isOver = false

    init(_ door: StreamDoor, _ way: StreamWay) {
        self.door = door
        self.way = way
    }

    func handlerAdded(context: ChannelHandlerContext) {
        context.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: TimeAmount(door.patience)) { [self] in
            if !way.isAdmitted, !isOver { refuse(context, "stream_silent") }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        decoder.append(Array(unwrapInboundIn(data).readableBytesView)[...])
        do throws(FramedPacketDecoder.TooLong) {
            while let packet = try decoder.next() {
                guard isProven || proves(packet, context) else { return }
                way.receive(packet)
            }
        } catch { refuse(context, "stream_malformed") }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}

extension StreamConnection {
    /// Whether the first packet is a check of a session; the connection is closed where it is not.
    private func proves(_ packet: ByteSlice, _ context: ChannelHandlerContext) -> Bool {
        do throws(StrangerFailure) {
            way.move(to: try door.thread(for: packet))
            isProven = true
            return true
        } catch {
            refuse(context, error.rawValue)
            return false
        }
    }

    private func refuse(_ context: ChannelHandlerContext, _ reason: String) {
        door.metrics.dropped(reason)
        context.close(promise: nil)
        end()
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        way.closed()
    }
}
