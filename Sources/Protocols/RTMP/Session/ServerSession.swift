// SPDX-License-Identifier: Apache-2.0

import Bytes

/// One TCP connection of a publisher or a player, from its first byte to its last. Hop 3 of a frame's life.
///
/// Feed it what arrives and when, obey every directive in order, then feed the next. When `receive` throws, obey what it
/// appended before, among it a last word to the peer, and close. Commands are taken in any order, because encoders agree
/// on none.
public struct ServerSession: ~Copyable {
    /// What the owner of the socket must do.
    public enum Directive: Hashable, Sendable {
        /// Send these bytes.
        case send([UInt8])
        /// Answer by `acceptPublish` or `refusePublish`; media is discarded until then.
        indirect case publish(PublishRequest)
        /// Answer by `acceptPlay` or `refusePlay`.
        indirect case play(PlayRequest)
        /// A message of the stream being published.
        case media(MediaMessage)
        /// The publisher ended its stream; the connection stays.
        case unpublish
        /// The player wants no more.
        case stopPlay
        /// Close the connection when all is sent. Nothing follows.
        case close(CloseReason)
    }

    private enum Phase {
        /// Until C2 is whole. Exits: commands, closed.
        case handshaking
        /// Until `publish` or `play`. Exits: deciding, closed.
        case commands
        /// Until the owner accepts or refuses. Exits: publishing, playing, commands, closed.
        case deciding
        /// Exits: commands, closed.
        case publishing
        /// Exits: commands, closed.
        case playing
        /// Deaf.
        case closed
    }

    let settings: RTMPSettings
    private var phase = Phase.handshaking
    private var phaseBegan: Duration
    private var lastHeard: Duration
    private var lastMedia: Duration
    private var pinged: Duration?
    private var handshake: ServerHandshake
    private var link: MessageLink
    /// Commands taken, less one for each second since.
    private var commandCount = 0
    private var commandsCounted: Duration
    /// What the peer said in `connect`.
    private var connection = ConnectCommand()
    private var isConnected = false

    /// A session that begins at `now`.
    /// - Parameter random: at least 1528 bytes for the handshake.
    public init(settings: RTMPSettings, random: [UInt8], now: Duration) {
        self.settings = settings
        handshake = ServerHandshake(random: random)
        link = MessageLink(settings: settings)
        phaseBegan = now
        lastHeard = now
        lastMedia = now
        commandsCounted = now
    }

    /// Whether media of this peer is being taken.
    public var isPublishing: Bool { phase == .publishing }
    /// Whether this peer may be sent media.
    public var isPlaying: Bool { phase == .playing }

    /// Takes bytes from the peer.
    public mutating func receive(
        _ bytes: UnsafeRawBufferPointer, now: Duration, into directives: inout [Directive]
    ) throws(RTMPFailure) {
        guard phase != .closed else { return }
        link.count(bytes.count)
        lastHeard = now
        pinged = nil
        do throws(RTMPFailure) {
            try take(bytes, now: now, into: &directives)
        } catch {
            directives.append(.send(lastWord(on: error)))
            phase = .closed
            throw error
        }
        let owed = link.takeOwed()
        if !owed.isEmpty { directives.append(.send(owed)) }
    }

    /// When `tick` wants to be called; nil where nothing is awaited.
    public var nextDeadline: Duration? {
        switch phase {
        case .handshaking: phaseBegan + settings.handshakeTimeout
        case .commands: phaseBegan + settings.commandTimeout
        case .publishing: lastMedia + settings.publishIdleTimeout
        case .playing:
            if let pinged { pinged + settings.pongTimeout } else { lastHeard + settings.playPingInterval }
        case .closed, .deciding: nil
        }
    }

    /// Acts on a deadline that has passed.
    public mutating func tick(now: Duration, into directives: inout [Directive]) {
        guard let deadline = nextDeadline, now >= deadline else { return }
        switch phase {
        case .handshaking: timeOut(.handshake, &directives)
        case .commands: timeOut(.command, &directives)
        case .publishing: timeOut(.publish, &directives)
        case .playing where pinged == nil:
            pinged = now
            directives.append(.send(MessageLink.userControl(6, UInt32(truncatingIfNeeded: now.components.seconds))))
        case .playing: timeOut(.play, &directives)
        case .closed, .deciding: break
        }
    }

    private mutating func timeOut(_ deadline: CloseReason.Deadline, _ directives: inout [Directive]) {
        phase = .closed
        directives.append(.close(.timedOut(deadline)))
    }
}

// MARK: - The owner's decisions

extension ServerSession {
    /// Lets the peer publish; its media follows.
    public mutating func acceptPublish(now: Duration, into directives: inout [Directive]) {
        guard phase == .deciding else { return }
        enter(.publishing, now)
        lastMedia = now
        send([.status("NetStream.Publish.Start", "Publishing.")], on: 1, &directives)
    }

    /// Tells the peer why it may not publish, or not go on with it, and closes. The codes are those at which OBS gives up by itself.
    public mutating func refusePublish(_ reason: RefusalReason, into directives: inout [Directive]) {
        if case .busy = reason {
            refuse("NetStream.Publish.BadName", reason, &directives)
        } else {
            refuse("NetStream.Publish.Denied", reason, &directives)
        }
    }

    /// Lets the peer play; it may be sent media from here on.
    public mutating func acceptPlay(now: Duration, into directives: inout [Directive]) {
        guard phase == .deciding else { return }
        enter(.playing, now)
        var bytes = MessageLink.userControl(0, ChunkEncoder.mediaStream)
        bytes += encode(.status("NetStream.Play.Reset", "Playing and resetting."), on: 1)
        bytes += encode(.status("NetStream.Play.Start", "Playing."), on: 1)
        bytes += encode(data: [.string("|RtmpSampleAccess"), .boolean(true), .boolean(true)])
        let started = AMFValue.object([AMFProperty("code", .string("NetStream.Data.Start"))])
        bytes += encode(data: [.string("onStatus"), started])
        directives.append(.send(bytes))
    }

    /// Tells the peer why it may not play and closes.
    public mutating func refusePlay(_ reason: RefusalReason, into directives: inout [Directive]) {
        if case .notFound = reason {
            refuse("NetStream.Play.StreamNotFound", reason, &directives)
        } else {
            refuse("NetStream.Play.Failed", reason, &directives)
        }
    }

    /// Asks the peer to reconnect to `tcURL`, to here where it is nil; the session goes on (Enhanced RTMP 2).
    /// - Returns: whether it was asked: only a peer that said in `connect` that it understands is.
    public mutating func requestReconnect(
        to tcURL: String?, description: String, into directives: inout [Directive]
    ) -> Bool {
        guard connection.understandsReconnect, phase != .closed else { return false }
        let more = tcURL.map { [AMFProperty("tcUrl", .string($0))] } ?? []
        let information = Command.information("NetConnection.Connect.ReconnectRequest", description, more: more)
        send([Command("onStatus", transaction: 0, [.null, information])], on: 0, &directives)
        return true
    }

    /// Says goodbye in the protocol's words and closes.
    public mutating func close(_ description: String, into directives: inout [Directive]) {
        switch phase {
        case .closed: return
        case .publishing: send([.status("NetStream.Unpublish.Success", description)], on: 1, &directives)
        case .playing:
            let end = MessageLink.userControl(1, ChunkEncoder.mediaStream)
            directives.append(.send(encode(.status("NetStream.Play.UnpublishNotify", description), on: 1) + end))
        case .commands, .deciding, .handshaking: break
        }
        phase = .closed
        directives.append(.close(.requested))
    }

    private mutating func refuse(_ code: String, _ reason: RefusalReason, _ directives: inout [Directive]) {
        guard phase == .deciding || phase == .publishing else { return }
        phase = .closed
        send([.status(code, reason.text, isError: true)], on: 1, &directives)
        directives.append(.close(.refused))
    }
}

// MARK: - The peer's messages

extension ServerSession {
    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, now: Duration, into directives: inout [Directive]
    ) throws(RTMPFailure) {
        var input = bytes
        if phase == .handshaking {
            if let answer = try handshake.receive(&input) { directives.append(.send(answer)) }
            guard handshake.isDone else { return }
            enter(.commands, now)
        }
        let media = link.decoder.mediaBytes
        while let message = try link.decoder.next(&input) {
            try take(message, now: now, &directives)
        }
        if link.decoder.mediaBytes != media { lastMedia = now }
    }

    private mutating func take(
        _ message: Message, now: Duration, _ directives: inout [Directive]
    ) throws(RTMPFailure) {
        switch message.type {
        case .audio: takeMedia(.audio, message, message.body, &directives)
        case .video: takeMedia(.video, message, message.body, &directives)
        case .data: takeMedia(.data, message, message.body, &directives)
        case .dataAMF3:
            takeMedia(.data, message, message.body.first == 0 ? message.body.dropFirst() : message.body, &directives)
        case .aggregate:
            var tags = AggregateDecoder(message)
            while let media = try tags.next() {
                if phase == .publishing, !media.body.isEmpty { directives.append(.media(media)) }
            }
        case .command, .commandAMF3: try take(command(message, now), now: now, &directives)
        default: _ = try link.takeControl(message)
        }
    }

    /// Empty messages are legal and mean silence; data that begins with a 0 is an old encoder's time code.
    private func takeMedia(
        _ kind: MediaKind, _ message: Message, _ body: ByteSlice, _ directives: inout [Directive]
    ) {
        guard phase == .publishing, let first = body.first, kind != .data || first != 0 else { return }
        directives.append(.media(MediaMessage(kind: kind, timestamp: message.timestamp, body: body)))
    }

    private mutating func command(_ message: Message, _ now: Duration) throws(RTMPFailure) -> Command {
        try countCommand(now)
        do throws(AMFFailure) {
            return try Command(message.body, type: message.type, limits: AMFLimits(depth: settings.amfDepth))
        } catch {
            throw .malformedAMF(error)
        }
    }

    /// Counts in every phase: most commands have an answer, and a peer need not read them.
    private mutating func countCommand(_ now: Duration) throws(RTMPFailure) {
        let seconds = (now - commandsCounted).components.seconds
        if seconds > 0 {
            commandsCounted = now
            commandCount = max(0, commandCount - Int(min(seconds, Int64(commandCount))))
        }
        commandCount += 1
        guard commandCount <= settings.maximumCommands else { throw .commands(settings.maximumCommands) }
    }

    private mutating func take(_ command: Command, now: Duration, _ directives: inout [Directive]) {
        switch command.name {
        case "connect": connect(command, &directives)
        case "createStream": reply(to: command, .number(Double(ChunkEncoder.mediaStream)), &directives)
        case "publish":
            request(command, busy: "NetStream.Publish.BadName", now, &directives) {
                .publish(PublishRequest(address: $0))
            }
        case "play":
            request(command, busy: "NetStream.Play.Failed", now, &directives) { .play(PlayRequest(address: $0)) }
        case "getStreamLength":
            // ffmpeg asks before it plays and wants a number; a live stream has no length.
            reply(to: command, .number(0), &directives)
        case "FCUnpublish", "closeStream", "deleteStream":
            endStream(now, &directives)
        default:
            // Whoever waits for an answer gets an empty one; _checkbw, releaseStream, FCPublish need no more.
            guard phase == .commands || phase == .deciding else { return }
            reply(to: command, .undefined, &directives)
        }
    }

    /// A connection connects once; what it is for can not be changed under a running stream.
    private mutating func connect(_ command: Command, _ directives: inout [Directive]) {
        guard !isConnected else {
            let code = "NetConnection.Connect.Rejected"
            let information = Command.information(code, "This connection is connected already.", isError: true)
            send([Command("_error", transaction: command.transaction, [.null, information])], on: 0, &directives)
            return
        }
        isConnected = true
        connection = ConnectCommand(command)
        var bytes = MessageLink.control(.windowAcknowledgementSize, MessageLink.window)
        bytes += MessageLink.control(.setPeerBandwidth, MessageLink.window, [ConnectCommand.dynamicLimit])
        bytes += MessageLink.control(.setChunkSize, UInt32(truncatingIfNeeded: ChunkEncoder.standardChunkSize))
        bytes += encode(connection.result(transaction: command.transaction), on: 0)
        directives.append(.send(bytes))
    }

    /// One stream a connection: a second call while one runs is told so, and changes nothing.
    private mutating func request(
        _ command: Command, busy code: String, _ now: Duration, _ directives: inout [Directive],
        _ directive: (StreamAddress) -> Directive
    ) {
        guard phase == .commands else {
            send([.status(code, "This connection has a stream already.", isError: true)], on: 1, &directives)
            return
        }
        enter(.deciding, now)
        let address = StreamAddress(app: connection.app, name: command.argument(1)?.string ?? "")
        directives.append(directive(address))
    }

    private mutating func endStream(_ now: Duration, _ directives: inout [Directive]) {
        switch phase {
        case .publishing: directives.append(.unpublish)
        case .playing: directives.append(.stopPlay)
        case .closed, .commands, .deciding, .handshaking: return
        }
        enter(.commands, now)
    }

    private mutating func enter(_ next: Phase, _ now: Duration) {
        phase = next
        phaseBegan = now
    }
}

// MARK: - Words to the peer

extension ServerSession {
    private func reply(to command: Command, _ value: AMFValue, _ directives: inout [Directive]) {
        guard command.transaction != 0 else { return }
        send([Command("_result", transaction: command.transaction, [.null, value])], on: 0, &directives)
    }

    private func send(_ commands: [Command], on stream: UInt32, _ directives: inout [Directive]) {
        directives.append(.send(commands.flatMap { encode($0, on: stream) }))
    }

    private func encode(_ command: Command, on stream: UInt32) -> [UInt8] {
        ChunkEncoder().encode(command.message(stream: stream))
    }

    private func encode(data values: [AMFValue]) -> [UInt8] {
        ChunkEncoder().encode(MediaTag(kind: .data, timestamp: 0, header: [], payload: AMFEncoder.encode(values)[...]))
    }

    /// What a peer is told before its connection ends by its own fault, in its own words where they are known.
    private func lastWord(on failure: RTMPFailure) -> [UInt8] {
        switch failure {
        case .foreignProtocol(.http):
            Array("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".utf8)
        case _ where phase == .handshaking: []
        default: encode(.status("NetConnection.Connect.Closed", failure.counterName, isError: true), on: 0)
        }
    }
}
