// SPDX-License-Identifier: Apache-2.0

import Bytes
public import NIOCore
public import RTMP
import Telemetry
public import Transport

/// Hop 2 of a frame's life: the shell around one RTMP session. It feeds bytes and time in, obeys what comes out, and
/// hands publishers and players to the roles that take them. Confined to its event loop, but for `cut`.
public final class RTMPConnection: ChannelInboundHandler {
    /// Bytes come in.
    public typealias InboundIn = ByteBuffer
    /// Bytes go out.
    public typealias OutboundOut = ByteBuffer

    /// Who is at the other end.
    public let peer: PeerAddress
    /// The loop it is confined to.
    public let eventLoop: any EventLoop
    private var session: ServerSession
    private let doors: RTMPDoors
    private let metrics: RTMPMetrics
    private var directives: [ServerSession.Directive] = []
    private var party: Party = .nobody
    private var context: ChannelHandlerContext?
    private var timer: NIODeadline?
    private var isClosing = false
    private var isObeying = false
    /// Bytes of answers written while the peer does not read.
    private var unreadAnswers = 0

    /// What this connection has become.
    private enum Party {
        case nobody
        case player(any RTMPPlayer)
        case publisher(any RTMPIntake)
    }

    /// A connection from `peer`.
    public init(
        peer: PeerAddress, eventLoop: any EventLoop, settings: RTMPSettings, doors: RTMPDoors, metrics: RTMPMetrics
    ) {
        self.peer = peer
        self.eventLoop = eventLoop
        self.doors = doors
        self.metrics = metrics
        var generator = SystemRandomNumberGenerator()
        let random = (0..<192).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        session = ServerSession(settings: settings, random: random, now: SystemClock.now())
    }

    /// Begins to keep time.
    public func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { arm() }
    }

    /// Lets go of the channel.
    public func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Begins to keep time.
    public func channelActive(context: ChannelHandlerContext) {
        arm()
        context.fireChannelActive()
    }

    /// Feeds what came and obeys.
    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard !isClosing else { return }
        metrics.bytesReceived.add(buffer.readableBytes)
        do throws(RTMPFailure) {
            try feed(buffer)
            obey()
        } catch {
            metrics.refused(error)
            obey()
            close()
        }
        arm()
    }

    /// Sends what the reads led to.
    public func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    /// Lets a player go on.
    public func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .player(let player) = party, context.channel.isWritable { player.writable() }
        context.fireChannelWritabilityChanged()
    }

    /// Tells the role that the peer is gone.
    public func channelInactive(context: ChannelHandlerContext) {
        leave()
        isClosing = true
        context.fireChannelInactive()
    }

    /// Closes: nothing that a channel reports can be mended.
    public func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Says goodbye when the listener stops.
    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { part("The server is going down.", reconnect: true) }
        context.fireUserInboundEventTriggered(event)
    }
}

// MARK: - What the roles do with it

extension RTMPConnection {
    /// Whether more would only pile up.
    public var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Sends what a player is to get; `flush` sends it out.
    public func write(_ bytes: [UInt8]) {
        guard let context, !isClosing else { return }
        metrics.bytesSent.add(bytes.count)
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
    }

    /// Sends out what was written.
    public func flush() { context?.flush() }

    /// Asks a peer that understands it to go on at `url` (Enhanced RTMP v2, ReconnectRequest).
    public func sendElsewhere(to url: String, because description: String) {
        guard !isClosing, session.requestReconnect(to: url, description: description, into: &directives) else { return }
        metrics.reconnectRequests.add()
        obey()
        context?.flush()
    }

    /// Says goodbye in the protocol's words and closes.
    /// - Parameter reconnect: asks a peer that understands it to come back (Enhanced RTMP v2).
    public func part(_ description: String, reconnect: Bool = false) {
        guard !isClosing else { return }
        if reconnect, session.requestReconnect(to: nil, description: description, into: &directives) {
            metrics.reconnectRequests.add()
        }
        session.close(description, into: &directives)
        obey()
        context?.flush()
    }
}

// MARK: - Feeding and obeying

extension RTMPConnection {
    private func feed(_ buffer: ByteBuffer) throws(RTMPFailure) {
        let now = SystemClock.now()
        var failure: RTMPFailure?
        buffer.withUnsafeReadableBytes { bytes in
            do throws(RTMPFailure) {
                try session.receive(bytes, now: now, into: &directives)
            } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Obeys every directive in order; those that an answer to one brings come after it, so a call from within obeying
    /// leaves them to the one under way.
    private func obey() {
        guard !isObeying else { return }
        isObeying = true
        defer { isObeying = false }
        var next = 0
        while next < directives.count {
            let directive = directives[next]
            next += 1
            obey(directive)
        }
        directives.removeAll(keepingCapacity: true)
    }

    private func obey(_ directive: ServerSession.Directive) {
        switch directive {
        case .close(let reason):
            metrics.closed(reason)
            close()
        case .media(let message): take(message)
        case .play(let request): play(request)
        case .publish(let request): publish(request)
        case .send(let bytes): answer(bytes)
        case .stopPlay, .unpublish: leave()
        }
    }

    /// Writes an answer. A peer that asks and asks and never reads is cut: its answers would pile up without end.
    private func answer(_ bytes: [UInt8]) {
        unreadAnswers = isWritable ? 0 : unreadAnswers + bytes.count
        write(bytes)
        guard unreadAnswers > Self.maximumUnreadAnswers, !isClosing else { return }
        metrics.refused(.unreadAnswers(unreadAnswers))
        close()
    }

    /// Beyond what the channel holds at its high-water mark, in bytes; a whole conversation takes 5 kB.
    private static let maximumUnreadAnswers = 16 << 10

    private func publish(_ request: PublishRequest) {
        switch doors.publish(request, on: self) {
        case .success(let intake):
            party = .publisher(intake)
            session.acceptPublish(now: SystemClock.now(), into: &directives)
        case .failure(let refusal):
            session.refusePublish(refusal.reason, into: &directives)
        }
    }

    private func play(_ request: PlayRequest) {
        switch doors.play(request, on: self) {
        case .success(let player):
            party = .player(player)
            session.acceptPlay(now: SystemClock.now(), into: &directives)
            eventLoop.assumeIsolatedUnsafeUnchecked().execute { player.writable() }
        case .failure(let refusal):
            session.refusePlay(refusal.reason, into: &directives)
        }
    }

    private func take(_ message: MediaMessage) {
        guard case .publisher(let intake) = party, !isClosing else { return }
        do throws(RTMPFailure) {
            guard try !intake.take(message) else { return }
            leave()
            part("The stream has ended.")
        } catch {
            metrics.refused(error)
            leave()
            session.refusePublish(.denied(error.mediaFault), into: &directives)
            obey()
        }
    }

    private func leave() {
        switch party {
        case .nobody: break
        case .player(let player): player.leave()
        case .publisher(let intake): intake.leave()
        }
        party = .nobody
    }

    private func close() {
        guard !isClosing else { return }
        isClosing = true
        leave()
        context?.flush()
        context?.close(mode: .all, promise: nil)
    }

    /// Keeps one timer running; deadlines that move on are looked at when it fires.
    private func arm() {
        guard context != nil, let wanted = session.nextDeadline.map(SystemClock.deadline) else { return }
        guard timer.map({ wanted < $0 }) ?? true else { return }
        timer = wanted
        eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(deadline: wanted) { [weak self] in
            self?.fire(wanted)
        }
    }

    private func fire(_ deadline: NIODeadline) {
        guard timer == deadline, !isClosing else { return }
        timer = nil
        session.tick(now: SystemClock.now(), into: &directives)
        obey()
        context?.flush()
        arm()
    }
}
