// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import NIOTLS
public import Transport

/// An HTTP port: the listener, TLS if there is a certificate, a door for every connection, and the application behind.
public final class HTTPServer: Sendable {
    private let listener: TCPListener
    private let loops: Loops

    /// Listens. `responder` makes the media responder of each event loop, on that loop.
    public static func start(
        _ listening: TCPListenerSettings, web: WebSettings = WebSettings(), tls: TLSContexts? = nil, site: WebSite,
        on group: any EventLoopGroup, observer: any WebObserver & TransportObserver,
        responder: @escaping @Sendable (any EventLoop) -> any MediaResponder
    ) async throws -> HTTPServer {
        precondition(web.maximumPipelined >= web.maximumHead, "a head must fit into what is read ahead: \(web)")
        let loops = try await Loops(group: group) { loop in
            WebLoop(eventLoop: loop, responder: responder(loop), site: site, settings: web, observer: observer)
        }
        let listener = try await TCPListener.bind(listening, on: group, observer: observer) { channel, peer in
            if let tls {
                try tls.secure(channel, for: .http, handshakeTimeout: web.handshakeTimeout, observer: observer)
                try negotiate(on: channel, peer: peer, loops: loops)
            } else {
                try loops.loop(of: channel).openHTTP1(on: channel, peer: peer, isTLS: false)
            }
        }
        return HTTPServer(listener: listener, loops: loops)
    }

    /// The address that is listened on, with the real port.
    public var address: SocketAddress { listener.address }

    /// How many connections are open.
    public var connections: Int { listener.connections }

    /// Takes no more connections, lets those there are end after the answer under way, and cuts what is left after
    /// `grace`. Responders should answer who waits first. Returns when all are gone.
    public func stop(within grace: Duration) async {
        await loops.beginStopping()
        await listener.stop(within: grace)
    }

    private init(listener: TCPListener, loops: Loops) {
        self.listener = listener
        self.loops = loops
    }

    private static func negotiate(on channel: any Channel, peer: PeerAddress, loops: Loops) throws {
        let negotiation = ApplicationProtocolNegotiationHandler { result, channel in
            channel.eventLoop.makeCompletedFuture {
                if case .negotiated("h2") = result {
                    try loops.loop(of: channel).openHTTP2(on: channel, peer: peer)
                } else {
                    try loops.loop(of: channel).openHTTP1(on: channel, peer: peer, isTLS: true)
                }
            }
        }
        try channel.pipeline.syncOperations.addHandler(negotiation)
    }
}

/// The shared parts of all event loops, found by their loop.
private struct Loops: Sendable {
    private let members: [ObjectIdentifier: NIOLoopBound<WebLoop>]

    init(group: any EventLoopGroup, make: @escaping @Sendable (any EventLoop) -> WebLoop) async throws {
        var members: [ObjectIdentifier: NIOLoopBound<WebLoop>] = [:]
        for loop in group.makeIterator() {
            members[ObjectIdentifier(loop)] = try await loop.submit {
                NIOLoopBound(make(loop), eventLoop: loop)
            }.get()
        }
        self.members = members
    }

    /// The shared part of a channel's loop; to be called on that loop.
    func loop(of channel: any Channel) throws -> WebLoop {
        guard let member = members[ObjectIdentifier(channel.eventLoop)] else { throw EventLoopError.shutdown }
        return member.value
    }

    func beginStopping() async {
        for member in members.values {
            try? await member.eventLoop.submit { member.value.beginStopping() }.get()
        }
    }
}
