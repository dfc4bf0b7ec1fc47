// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Swarm

/// One place among the viewers of RTMP or FLV: the shell around a session and its conversation after the other.
final class PlayViewer: SwarmMember {
    private let plan: PlayPlan
    private let number: Int
    private let eventLoop: any EventLoop
    private let tally: Shared<PlayTally>
    private var session: PlayViewerSession?
    private var conversation: (any PlayConversation)?
    private var channel: (any Channel)?
    private var events: [PlayEvent] = []
    private var hops = 0
    /// When to join; nil where it has joined, or does not again.
    private var joins: Duration?
    /// When to leave; nil for with the run's end.
    private var leaves: Duration?
    /// Of the connections that were made, the one that counts.
    private var attempt = 0

    init(_ plan: PlayPlan, number: Int, eventLoop: any EventLoop, tally: Shared<PlayTally>) {
        self.plan = plan
        self.number = number
        self.eventLoop = eventLoop
        self.tally = tally
        joins = plan.beginning + plan.ramp * number / plan.viewers
    }

    /// Whether it has a session.
    var isPresent: Bool { session != nil }

    func tick(now: Duration) {
        if let joins, joins <= now { return join(due: joins, now: now) }
        if let leaves, leaves <= now { return leave(now: now) }
        session?.tick(now: now, tally: &tally.value)
        settle(now: now)
    }

    func finish() {
        joins = nil
        guard session != nil else { return }
        leave(now: .sinceBoot)
        joins = nil
    }

    private func join(due: Duration, now: Duration) {
        joins = nil
        leaves = plan.stay.map { now + $0 * Double.random(in: 0.5..<1.5) }
        session = PlayViewerSession(now: now, due: due, tally: &tally.value)
        hops = 0
        connect(plan.targets[number % plan.targets.count], now: now)
    }

    private func leave(now: Duration) {
        session?.leave(now: now, tally: &tally.value)
        conversation?.leave(into: &events)
        obey(now: now)
        settle(now: now)
    }

    /// Ends the connection where the session is over; another comes in its place where viewers come and go.
    private func settle(now: Duration) {
        guard let session, session.isOver else { return }
        self.session = nil
        disconnect()
        leaves = nil
        if plan.stay != nil { joins = now + Self.pause }
    }

    private func disconnect() {
        attempt += 1
        channel?.flush()
        channel?.close(promise: nil)
        channel = nil
        conversation = nil
    }

    /// What lets a server that refuses everybody breathe.
    private static let pause: Duration = .milliseconds(10)
    private static let mostHops = 5
}

// MARK: - The connection

extension PlayViewer {
    private func connect(_ target: HTTPAddress, now: Duration) {
        disconnect()
        guard let address = try? SocketAddress.makeAddressResolvingHost(target.host, port: target.port) else {
            session?.fail(.connection, now: now, tally: &tally.value)
            return settle(now: now)
        }
        conversation = plan.conversation(target)
        let viewer = NIOLoopBound(self, eventLoop: eventLoop)
        let attempt = attempt
        var bootstrap = ClientBootstrap(group: eventLoop)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PlayHandler(viewer.value, attempt: attempt))
                }
            }
        if !plan.sources.isEmpty { bootstrap = bootstrap.bind(to: plan.sources[number % plan.sources.count]) }
        bootstrap.connect(to: address).whenFailure { _ in viewer.value.lost(attempt: attempt) }
    }

    fileprivate func connected(_ channel: any Channel, attempt: Int) {
        guard attempt == self.attempt else { return channel.close(promise: nil) }
        self.channel = channel
        conversation?.begin(into: &events)
        obey(now: .sinceBoot)
    }

    fileprivate func receive(_ buffer: ByteBuffer, attempt: Int) {
        guard attempt == self.attempt, let conversation else { return }
        buffer.withUnsafeReadableBytes { conversation.receive($0, into: &events) }
        obey(now: .sinceBoot)
    }

    fileprivate func lost(attempt: Int) {
        guard attempt == self.attempt, let conversation else { return }
        channel = nil
        conversation.end(into: &events)
        obey(now: .sinceBoot)
    }

    private func obey(now: Duration) {
        let obeyed = events
        events.removeAll(keepingCapacity: true)
        var place: HTTPAddress?
        for event in obeyed {
            switch event {
            case .accepted: session?.accept(now: now, tally: &tally.value)
            case .failed(let fault): session?.fail(fault, now: now, tally: &tally.value)
            case .media(let message): session?.receive(message, now: now, tally: &tally.value)
            case .redirected(let other): place = other
            case .send(let bytes):
                if let channel { channel.write(channel.allocator.buffer(bytes: bytes), promise: nil) }
            }
        }
        channel?.flush()
        if let place { follow(place, now: now) }
        settle(now: now)
    }

    private func follow(_ place: HTTPAddress, now: Duration) {
        hops += 1
        guard hops <= Self.mostHops else {
            session?.fail(.redirects, now: now, tally: &tally.value)
            return
        }
        connect(place, now: now)
    }
}

/// The viewer as its channel sees it.
private final class PlayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let viewer: PlayViewer
    private let attempt: Int

    init(_ viewer: PlayViewer, attempt: Int) {
        self.viewer = viewer
        self.attempt = attempt
    }

    func channelActive(context: ChannelHandlerContext) { viewer.connected(context.channel, attempt: attempt) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        viewer.receive(unwrapInboundIn(data), attempt: attempt)
    }

    func channelInactive(context: ChannelHandlerContext) { viewer.lost(attempt: attempt) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// Says once a second how the viewers of a loop are.
final class PlayReporter: SwarmMember {
    private let plan: PlayPlan
    private let viewers: [PlayViewer]
    private let tally: Shared<PlayTally>
    private let thread: Int
    private var next: Duration

    init(_ plan: PlayPlan, _ viewers: [PlayViewer], tally: Shared<PlayTally>, thread: Int) {
        self.plan = plan
        self.viewers = viewers
        self.tally = tally
        self.thread = thread
        next = plan.beginning + PlayProgressBoard.interval
    }

    func tick(now: Duration) {
        guard now >= next else { return }
        next += PlayProgressBoard.interval
        let present = viewers.count(where: \.isPresent)
        plan.board.note(PlayProgress(tally.value, present: present, time: now - plan.beginning), thread: thread)
    }

    func finish() {}
}

/// What the viewers of a run do.
struct PlayPlan: Sendable {
    let targets: [HTTPAddress]
    let viewers: Int
    let beginning: Duration
    let length: Duration
    let ramp: Duration
    /// How long one stays on average before another comes in its place; nil for to the end.
    let stay: Duration?
    /// Addresses from which they look; empty for any.
    let sources: [SocketAddress]
    let board: PlayProgressBoard
    let conversation: @Sendable (HTTPAddress) -> any PlayConversation

    /// How long it has gone on.
    var passed: Duration { min(length, Duration.sinceBoot - beginning) }
}
