// SPDX-License-Identifier: Apache-2.0

import Bytes

/// One TCP connection to an RTMP server, to publish or to play one stream. The other end of `ServerSession`.
public struct ClientSession: ~Copyable {
    /// What the owner of the socket must do.
    public enum Directive: Hashable, Sendable {
        /// Send these bytes.
        case send([UInt8])
        /// The server accepted: publish, or expect media.
        case started
        /// A message of the stream being played.
        case media(MediaMessage)
        /// The stream being played has ended; the connection stays.
        case ended
        /// Another server is named, or this one is to be connected to anew.
        case reconnect(String?)
        /// The server refused or ended, by this status code; close the connection.
        case refused(String)
    }

    /// What to do with the stream.
    public enum Intent: Hashable, Sendable {
        /// Send it.
        case publish
        /// Receive it.
        case play
    }

    private enum Phase {
        /// Until S2 is whole. Exits: connecting.
        case handshaking
        /// Until `connect` is answered. Exits: creating, closed.
        case connecting
        /// Until `createStream` is answered. Exits: asking, closed.
        case creating
        /// Until `publish` or `play` is answered. Exits: running, closed.
        case asking
        /// Exits: closed.
        case running
        /// Deaf.
        case closed
    }

    private let intent: Intent
    private let app: String
    private let name: String
    private let url: String
    private var phase = Phase.handshaking
    private var handshake = ClientHandshake()
    private var link: MessageLink
    private var stream: UInt32 = ChunkEncoder.mediaStream

    /// A session for the stream `name` in `app` at `url`.
    /// - Parameters:
    ///   - app: may hold a query.
    ///   - name: may hold a query.
    ///   - url: `rtmp://host/app`, for the server's information.
    public init(
        _ intent: Intent, app: String, name: String, url: String, settings: RTMPSettings = RTMPSettings()
    ) {
        self.intent = intent
        self.app = app
        self.name = name
        self.url = url
        link = MessageLink(settings: settings)
    }

    /// Whether media may be sent, or is to be expected.
    public var isRunning: Bool { phase == .running }

    /// Says hello; the first thing to do. `random` has at least 1528 bytes.
    public func start(random: [UInt8], into directives: inout [Directive]) {
        directives.append(.send(ClientHandshake.hello(random: random)))
    }

    /// Takes bytes from the server. When it throws, close.
    public mutating func receive(
        _ bytes: UnsafeRawBufferPointer, into directives: inout [Directive]
    ) throws(RTMPFailure) {
        guard phase != .closed else { return }
        link.count(bytes.count)
        var input = bytes
        if phase == .handshaking {
            guard let answer = try handshake.receive(&input) else { return }
            phase = .connecting
            directives.append(.send(answer + connect()))
        }
        while let message = try link.decoder.next(&input) { try take(message, &directives) }
        let owed = link.takeOwed()
        if !owed.isEmpty { directives.append(.send(owed)) }
    }

    /// The bytes of one tag of the stream being published; send them once the session runs.
    public func encode(_ tag: MediaTag) -> [UInt8] { ChunkEncoder().encode(tag, stream: stream) }

    /// Ends the stream as encoders do; then close the connection.
    public mutating func finish(into directives: inout [Directive]) {
        guard phase != .closed else { return }
        phase = .closed
        var bytes: [UInt8] = []
        if intent == .publish { bytes += encode(Command("FCUnpublish", transaction: 6, [.null, .string(name)])) }
        bytes += encode(Command("deleteStream", transaction: 7, [.null, .number(Double(stream))]))
        directives.append(.send(bytes))
    }
}

// MARK: - The server's messages

extension ClientSession {
    private mutating func take(_ message: Message, _ directives: inout [Directive]) throws(RTMPFailure) {
        switch message.type {
        case .audio, .data, .video:
            guard phase == .running, intent == .play, let kind = MediaKind(rawValue: message.type.rawValue) else {
                return
            }
            directives.append(
                .media(MediaMessage(kind: kind, timestamp: message.timestamp, body: message.body)))
        case .command, .commandAMF3:
            do throws(AMFFailure) {
                take(try Command(message.body, type: message.type), &directives)
            } catch {
                throw .malformedAMF(error)
            }
        default: _ = try link.takeControl(message)
        }
    }

    private mutating func take(_ command: Command, _ directives: inout [Directive]) {
        switch (command.name, command.transaction) {
        case ("_result", Self.connectTransaction) where phase == .connecting:
            phase = .creating
            directives.append(.send(create()))
        case ("_result", Self.createTransaction) where phase == .creating:
            stream = command.argument(1)?.uint32 ?? 0
            phase = .asking
            directives.append(.send(ask()))
        case ("_error", Self.connectTransaction), ("_error", Self.createTransaction):
            refuse(command, &directives)
        case ("onStatus", _): takeStatus(command, &directives)
        default: break
        }
    }

    private mutating func takeStatus(_ command: Command, _ directives: inout [Directive]) {
        let information = command.argument(1) ?? .null
        let code = information["code"]?.string ?? ""
        switch code {
        case "NetConnection.Connect.ReconnectRequest": directives.append(.reconnect(information["tcUrl"]?.string))
        case "NetStream.Play.UnpublishNotify" where phase == .running: directives.append(.ended)
        case "NetStream.Publish.Start" where phase == .asking && intent == .publish,
            "NetStream.Play.Start" where phase == .asking && intent == .play:
            phase = .running
            directives.append(.started)
        default:
            if information["level"]?.string == "error" { refuse(command, &directives) }
        }
    }

    private mutating func refuse(_ command: Command, _ directives: inout [Directive]) {
        phase = .closed
        directives.append(.refused(command.argument(1)?["code"]?.string ?? command.name))
    }
}

// MARK: - Words to the server

extension ClientSession {
    /// Our chunk size before `connect`, so that all that follows is in it.
    private func connect() -> [UInt8] {
        let object = AMFValue.object([
            AMFProperty("app", .string(app)), AMFProperty("type", .string("nonprivate")),
            AMFProperty("flashVer", .string("FMLE/3.0 (compatible; Millrace)")), AMFProperty("tcUrl", .string(url)),
            AMFProperty("capsEx", .number(1)),
        ])
        return MessageLink.control(.setChunkSize, UInt32(truncatingIfNeeded: ChunkEncoder.standardChunkSize))
            + encode(Command("connect", transaction: Self.connectTransaction, [object]))
    }

    private func create() -> [UInt8] {
        var bytes = MessageLink.control(.windowAcknowledgementSize, MessageLink.window)
        if intent == .publish {
            bytes += encode(Command("releaseStream", transaction: 2, [.null, .string(name)]))
            bytes += encode(Command("FCPublish", transaction: 3, [.null, .string(name)]))
        }
        return bytes + encode(Command("createStream", transaction: Self.createTransaction, [.null]))
    }

    private func ask() -> [UInt8] {
        switch intent {
        case .publish:
            encode(Command("publish", transaction: 5, [.null, .string(name), .string("live")]), on: stream)
        case .play: encode(Command("play", transaction: 5, [.null, .string(name), .number(-1000)]), on: stream)
        }
    }

    private func encode(_ command: Command, on stream: UInt32 = 0) -> [UInt8] {
        ChunkEncoder().encode(command.message(stream: stream))
    }

    private static let connectTransaction = 1.0
    private static let createTransaction = 4.0
}
