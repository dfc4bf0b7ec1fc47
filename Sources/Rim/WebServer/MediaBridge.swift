// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import HummingbirdCore
import NIOCore
import Transport

/// Lets a connection that belongs to the application ask for media too: hops to the event loop and asks the same
/// responder as the door. One for each such connection, whose requests come one after the other.
final class MediaBridge {
    private let loop: WebLoop
    private let peer: PeerAddress
    private let isTLS: Bool
    private var current: BridgedExchange?

    init(loop: WebLoop, peer: PeerAddress, isTLS: Bool) {
        self.loop = loop
        self.peer = peer
        self.isTLS = isTLS
    }

    /// Whether a request is for media.
    static func isMedia(_ head: HTTPRequest, for site: WebSite) -> Bool {
        guard head.method == .get || head.method == .head, let path = head.path, path.hasPrefix("/") else {
            return false
        }
        return site.isMedia(ByteBuffer(string: path).readableBytesView)
    }

    /// Answers a request for media.
    static func respond(
        to head: HTTPRequest, through bridge: NIOLoopBound<MediaBridge>
    ) async -> (HTTPResponse, ResponseBody) {
        await withCheckedContinuation { continuation in
            bridge.eventLoop.execute { bridge.value.ask(head, reply: continuation) }
        }
    }

    /// The peer is gone.
    func close() { current?.peerLeft() }

    private func ask(_ head: HTTPRequest, reply: BridgedExchange.Reply) {
        let exchange = BridgedExchange(loop: loop, reply: reply)
        current = exchange
        do throws(RequestRefusal) {
            let (fields, text) = try RequestText.decode(
                method: head.method.rawValue, path: head.path ?? "/", authority: head.authority,
                fields: head.headerFields.lazy.map { (name: $0.name.rawName, value: $0.value) }
            )
            exchange.begin(MediaRequest(fields, in: text, peer: peer, isTLS: isTLS))
        } catch {
            loop.observer.refused(error)
            exchange.refuse(error)
        }
    }
}
