// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import RTMP
import Swarm

/// One stream on its way to an RTMP server: the shell around a `ClientSession` and a `ClipCursor`, after the other where it
/// comes back.
final class RTMPPublisher: SwarmMember {
    private let targets: [RTMPTarget]
    /// Which of them it is at.
    private var place: Int
    private let number: Int
    private let clip: Clip
    private let isStamped: Bool
    /// After how long it comes back when it was lost; nil for never.
    private let pause: Duration?
    private let eventLoop: any EventLoop
    private let tally: Shared<PublisherTally>
    private var beginning: Duration
    private var session: ClientSession
    private var cursor: ClipCursor
    private var channel: (any Channel)?
    private var directives: [ClientSession.Directive] = []
    private var phase = Phase.waiting

    private enum Phase {
        /// Until its place in the ramp, or until it comes back. Exits: connecting, over.
        case waiting
        /// Until the server lets it publish. Exits: publishing, waiting, over.
        case connecting
        /// Since when. Exits: waiting, over.
        case publishing(Duration)
        /// Silent.
        case over
    }

    init(
        _ targets: [RTMPTarget], number: Int, clip: Clip, isStamped: Bool, pause: Duration?,
        eventLoop: any EventLoop, tally: Shared<PublisherTally>, beginning: Duration
    ) {
        self.targets = targets
        self.pause = pause
        place = (number - 1) % targets.count
        self.number = number
        self.clip = clip
        self.isStamped = isStamped
        self.eventLoop = eventLoop
        self.tally = tally
        self.beginning = beginning
        cursor = ClipCursor(clip)
        session = Self.session(targets[place], number)
    }

    private static func session(_ target: RTMPTarget, _ number: Int) -> ClientSession {
        ClientSession(.publish, app: target.app, name: target.name(number), url: target.url)
    }

    func tick(now: Duration) {
        switch phase {
        case .waiting where beginning <= now: connect()
        case .publishing(let start): send(elapsed: now - start)
        case .connecting, .over, .waiting: break
        }
    }

    func finish() {
        phase = .over
        session.finish(into: &directives)
        obey()
        channel?.flush()
        channel?.close(promise: nil)
    }

    private func send(elapsed: Duration) {
        guard let channel else { return }
        var hasWritten = false
        while cursor.due <= elapsed {
            guard channel.isWritable else {
                tally.value.blockedTicks += 1
                break
            }
            let lateness = elapsed - cursor.due
            guard let tag = cursor.next(elapsed: elapsed) else { break }
            tally.value.lateness.add(lateness)
            write(isStamped && tag.kind == .video ? stamped(tag, late: lateness) : tag)
            hasWritten = true
        }
        if hasWritten { channel.flush() }
    }

    private func stamped(_ tag: MediaTag, late: Duration) -> MediaTag {
        let time = FrameStamp.time(now: .sinceBoot, late: late, step: Self.step)
        let payload = FrameStamp.write(time, over: tag.payload)
        return MediaTag(kind: tag.kind, timestamp: tag.timestamp, header: tag.header, payload: payload)
    }

    /// How often it is looked at what is due.
    static let step: Duration = .milliseconds(5)

    private func write(_ tag: MediaTag) {
        tally.value.messages += 1
        tally.value.bytes += tag.payload.count
        write(session.encode(tag))
    }

    private func write(_ bytes: [UInt8]) {
        guard let channel else { return }
        channel.write(channel.allocator.buffer(bytes: bytes), promise: nil)
    }
}

// MARK: - The connection

extension RTMPPublisher {
    private func connect() {
        phase = .connecting
        let handler = NIOLoopBound(RTMPPublisherHandler(self), eventLoop: eventLoop)
        let publisher = NIOLoopBound(self, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler.value)
                }
            }
            .connect(to: targets[place].address)
            .whenFailure { error in publisher.value.fail("connect: \(error)") }
    }

    fileprivate func connected(_ channel: any Channel) {
        guard case .connecting = phase else { return channel.close(promise: nil) }
        self.channel = channel
        session.start(random: Self.random, into: &directives)
        obey()
        channel.flush()
    }

    fileprivate func receive(_ buffer: ByteBuffer, on channel: any Channel) {
        guard self.channel === channel else { return }
        let failure = buffer.withUnsafeReadableBytes { bytes -> RTMPFailure? in
            do throws(RTMPFailure) {
                try session.receive(bytes, into: &directives)
                return nil
            } catch { return error }
        }
        if let failure { return fail("\(failure)") }
        obey()
        self.channel?.flush()
    }

    /// A channel of before says nothing any more.
    fileprivate func disconnected(_ channel: any Channel) {
        guard self.channel === channel else { return }
        self.channel = nil
        fail("disconnected")
    }

    private func obey() {
        for directive in directives {
            switch directive {
            case .ended, .media: break
            case .reconnect: tally.value.reconnectRequests += 1
            case .refused(let code): fail(code)
            case .send(let bytes): write(bytes)
            case .started: begin()
            }
        }
        directives.removeAll(keepingCapacity: true)
    }

    private func begin() {
        guard case .connecting = phase else { return }
        phase = .publishing(.sinceBoot)
        tally.value.published += 1
        for message in clip.preamble { write(MediaTag(message)) }
    }

    private func fail(_ reason: String) {
        switch phase {
        case .over, .waiting: return
        case .connecting, .publishing: break
        }
        tally.value.failures[reason, default: 0] += 1
        channel?.close(promise: nil)
        channel = nil
        phase = .over
        if let pause { comeBack(after: pause) }
    }

    /// Begins from the beginning, at the next server.
    private func comeBack(after pause: Duration) {
        phase = .waiting
        beginning = .sinceBoot + pause
        place = (place + 1) % targets.count
        session = Self.session(targets[place], number)
        cursor = ClipCursor(clip)
    }

    /// The handshake's random part, which no server looks at twice.
    private static let random = (0..<1536).map { _ in UInt8.random(in: 0...255) }
}

/// The publisher as its channel sees it.
private final class RTMPPublisherHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let publisher: RTMPPublisher

    init(_ publisher: RTMPPublisher) { self.publisher = publisher }

    func channelActive(context: ChannelHandlerContext) { publisher.connected(context.channel) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        publisher.receive(unwrapInboundIn(data), on: context.channel)
    }

    func channelInactive(context: ChannelHandlerContext) { publisher.disconnected(context.channel) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
