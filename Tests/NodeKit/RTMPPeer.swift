// SPDX-License-Identifier: Apache-2.0

import Media
package import NIOCore
import NIOPosix
package import RTMP
import Synchronization
package import TestKit

/// An RTMP publisher or player over a real socket.
package final class RTMPPeer: Sendable {
    /// What has become of it.
    package struct Story: Sendable {
        /// Whether the server let it in.
        package var isRunning = false
        /// The status with which the server refused it or ended it.
        package var refusal: String?
        /// The text of every status, as it came.
        package var media: [MediaMessage] = []
        /// Whether the server said that the stream has ended.
        package var hasEnded = false
        /// How often it was asked to connect anew.
        package var reconnects = 0
        /// Where it was last asked to connect to.
        package var destination: String?
        /// Whether the connection is gone.
        package var isClosed = false
    }

    private let channel: any Channel
    private let state: SharedStory

    private init(channel: any Channel, state: SharedStory) {
        self.channel = channel
        self.state = state
    }

    /// Connects and says what it wants; `story` tells how it went.
    package static func connect(
        _ port: Int, _ intent: ClientSession.Intent, app: String = "live", name: String, from host: String = "127.0.0.1"
    ) async throws -> RTMPPeer {
        let state = SharedStory()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: SocketAddress(ipAddress: host, port: 0))
            .channelOption(.socketOption(.so_rcvbuf), value: 65536)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let session = ClientSession(intent, app: app, name: name, url: "rtmp://127.0.0.1/\(app)")
                    try channel.pipeline.syncOperations.addHandler(PeerHandler(session, state))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RTMPPeer(channel: channel, state: state)
    }

    /// What has happened so far.
    package var story: Story { state.story.withLock { $0 } }

    /// Sends what decoders are set up with.
    package func open(_ media: SyntheticMedia) async throws {
        try await send(media.writer.opening(at: .zeroMilliseconds))
    }

    /// Sends units, all at once.
    package func send(_ events: some Sequence<SyntheticMedia.Event>, of media: SyntheticMedia) async throws {
        let writer = media.writer
        try await send(events.compactMap { writer.tag($0.unit) })
    }

    /// Sends the units from one time to another, all at once.
    package func send(
        from start: Duration, to end: Duration, of media: SyntheticMedia = .seconds
    ) async throws {
        try await send(media.events(for: end).filter { $0.time >= start }, of: media)
    }

    /// Sends tags, all at once.
    package func send(_ tags: [MediaTag]) async throws {
        var buffer = ByteBuffer()
        for tag in tags { buffer.writeBytes(ChunkEncoder().encode(tag)) }
        let limit = channel.closesItself()
        defer { limit.cancel() }
        try await channel.writeAndFlush(buffer)
    }

    /// Opens and sends the first `duration` of `media`.
    package func publish(_ duration: Duration, of media: SyntheticMedia = .seconds) async throws {
        try await open(media)
        try await send(media.events(for: duration), of: media)
    }

    /// Sends any bytes.
    package func send(raw bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    /// Reads no more, or again.
    package func read(_ isOn: Bool) async throws { try await channel.setOption(.autoRead, value: isOn).get() }

    /// Goes away without a word.
    package func vanish() async { try? await channel.close() }
}

final class SharedStory: Sendable {
    let story = Mutex(RTMPPeer.Story())
}

/// The shell of a client session.
private final class PeerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var session: ClientSession
    private let state: SharedStory
    private var directives: [ClientSession.Directive] = []

    init(_ session: consuming ClientSession, _ state: SharedStory) {
        self.session = session
        self.state = state
    }

    func channelActive(context: ChannelHandlerContext) {
        session.start(random: [UInt8](repeating: 7, count: 1528), into: &directives)
        obey(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unwrapInboundIn(data).withUnsafeReadableBytes { try? session.receive($0, into: &directives) }
        obey(context)
    }

    func channelInactive(context: ChannelHandlerContext) { state.story.withLock { $0.isClosed = true } }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func obey(_ context: ChannelHandlerContext) {
        for directive in directives {
            if case .send(let bytes) = directive {
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            }
            state.story.withLock { $0.note(directive) }
        }
        directives.removeAll(keepingCapacity: true)
    }
}

extension RTMPPeer.Story {
    fileprivate mutating func note(_ directive: ClientSession.Directive) {
        switch directive {
        case .ended: hasEnded = true
        case .media(let message): media.append(message)
        case .reconnect(let url):
            reconnects += 1
            destination = url
        case .refused(let code): refusal = code
        case .send: break
        case .started: isRunning = true
        }
    }
}

extension MediaTime {
    fileprivate static let zeroMilliseconds = MediaTime(ticks: 0, timescale: .milliseconds)
}

extension SyntheticMedia {
    /// 30 frames a second in groups of one second, and AAC.
    package static var seconds: SyntheticMedia {
        var media = SyntheticMedia()
        media.framesPerGroup = 30
        return media
    }

    /// Tags of this media.
    package var writer: RTMPFromMedia {
        RTMPFromMedia(tracks: tracks.map { Track(id: $0, parameters: parameters($0)) })
    }
}
