// SPDX-License-Identifier: Apache-2.0

import RTMP
import Testing

@Suite("A client and a server")
struct ClientServerTests {
    /// A client and a server joined by two pipes that deliver in pieces.
    struct Pair: ~Copyable {
        var client: ClientSession
        var server = Server()
        var directives: [ClientSession.Directive] = []
        var random = SeededRandom(seed: 7)
        private var clientSeen = 0
        private var serverSeen = 0

        init(_ intent: ClientSession.Intent) throws {
            client = ClientSession(intent, app: "live", name: "key?token=t", url: "rtmp://host/live")
            client.start(random: noise, into: &directives)
            try exchange()
        }

        /// Moves bytes until both are silent.
        mutating func exchange(accepts: Bool = true) throws {
            while clientSeen < directives.count || serverSeen < server.directives.count {
                while clientSeen < directives.count {
                    let directive = directives[clientSeen]
                    clientSeen += 1
                    guard case .send(let bytes) = directive else { continue }
                    for piece in pieces(bytes, longest: 1000, using: &random) {
                        try server.receive(piece, accepts: accepts)
                    }
                }
                while serverSeen < server.directives.count {
                    let directive = server.directives[serverSeen]
                    serverSeen += 1
                    guard case .send(let bytes) = directive else { continue }
                    for piece in pieces(bytes, longest: 1000, using: &random) {
                        try piece.withUnsafeBytes { try client.receive($0, into: &directives) }
                    }
                }
            }
        }

        var events: [ClientSession.Directive] {
            directives.filter { directive -> Bool in
                if case .send = directive { false } else { true }
            }
        }
    }

    private let tags = [0 as UInt32, 40, 0xFFFFFE, 0xFFFFFF, 0x100_0000, .max, 3].map { time in
        MediaTag(
            kind: time % 2 == 0 ? .video : .audio, timestamp: time, header: [0x17, 1],
            payload: [UInt8](repeating: UInt8(truncatingIfNeeded: time), count: 150_000)[...])
    }

    @Test("publish: what is sent arrives")
    func publish() throws {
        var pair = try Pair(.publish)
        #expect(pair.events == [.started])
        guard case .publish(let request) = pair.server.events.first else { throw CancellationError() }
        #expect(request.address["token"] == "t")
        for tag in tags { pair.directives.append(.send(pair.client.encode(tag))) }
        try pair.exchange()
        #expect(pair.server.media == tags.map(\.message))
        pair.client.finish(into: &pair.directives)
        try pair.exchange()
        #expect(pair.server.events.last == .unpublish)
    }

    @Test("play: one encoding serves the player")
    func play() throws {
        var pair = try Pair(.play)
        #expect(pair.events.contains(.started))
        for tag in tags { pair.server.directives.append(.send(ChunkEncoder().encode(tag))) }
        try pair.exchange()
        let received = pair.events.compactMap { directive -> MediaMessage? in
            if case .media(let message) = directive, message.kind != .data { message } else { nil }
        }
        #expect(received == tags.map(\.message))
        pair.server.session.close("over", into: &pair.server.directives)
        try pair.exchange()
        #expect(pair.events.last == .ended)
    }

    @Test("are told apart by the server's refusal")
    func refusal() throws {
        var client = ClientSession(.publish, app: "live", name: "key", url: "rtmp://host/live")
        var server = Server()
        var directives: [ClientSession.Directive] = []
        client.start(random: noise, into: &directives)
        var seen = 0
        while case .send(let bytes)? = directives.dropFirst(seen).first {
            seen += 1
            let before = server.directives.count
            try server.receive(bytes, accepts: false)
            server.session.refusePublish(.busy("live already"), into: &server.directives)
            for case .send(let bytes) in server.directives[before...] {
                try bytes.withUnsafeBytes { try client.receive($0, into: &directives) }
            }
        }
        #expect(directives.last == .refused("NetStream.Publish.BadName"))
    }

    @Test("reconnect where the server asks")
    func reconnect() throws {
        var pair = try Pair(.publish)
        let isAsked = pair.server.session.requestReconnect(
            to: "rtmp://b/live", description: "drain", into: &pair.server.directives)
        #expect(isAsked)
        try pair.exchange()
        #expect(pair.events.last == .reconnect("rtmp://b/live"))
    }
}
