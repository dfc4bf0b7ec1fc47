// SPDX-License-Identifier: Apache-2.0

public import Access
import Bytes
import Cluster
import HLS
import Identity
import Media
import Placement
import Transport
public import WebServer

/// The door of an edge that may be told to drain: from then on whoever asks for a playlist is sent to another edge, with
/// the same question. Whoever reloads is so moved with the next reload, and follows the URLs of what it gets from there.
/// Where the other edge has the same URL, behind a load balancer, the playlist is served and the connection ends: the
/// next one comes to whom the balancer chooses, while a redirect could lead back here again and again. Media is served as
/// before, to the last. One on each event loop, confined to it.
public final class DrainingFront: MediaResponder {
    private let desk: RouterDesk
    private let policy: AccessPolicy
    private let edge: any MediaResponder
    private var scratch: [UInt8] = []
    private var random = SystemRandomNumberGenerator()

    /// The front of one event loop, before `edge`.
    public init(desk: RouterDesk, policy: AccessPolicy, edge: any MediaResponder) {
        self.desk = desk
        self.policy = policy
        self.edge = edge
    }

    /// Answers, or hands on.
    public func respond(to request: MediaRequest, on exchange: MediaExchange) {
        guard desk.isDraining, let other = otherEdge(for: request), other.id != desk.snapshot.view.node else {
            return edge.respond(to: request, on: exchange)
        }
        desk.metrics.routed(.drained)
        let url = other.description.viewerURL
        guard url != desk.ownURL else {
            exchange.endConnection()
            return edge.respond(to: request, on: exchange)
        }
        exchange.send(Answers.redirect(to: url, String(decoding: request.target, as: UTF8.self)))
    }

    /// Forgets a viewer who went away.
    public func cancelled(_ exchange: MediaExchange) { edge.cancelled(exchange) }

    /// Goes on with a stream that was full.
    public func writable(_ exchange: MediaExchange) { edge.writable(exchange) }

    /// The edge of this viewer; nil where it stays here.
    private func otherEdge(for request: MediaRequest) -> Member? {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: request.target)
        guard let path = try? MediaPath(parsing: scratch[...]), path.resource.maySendElsewhere,
            let entry = desk.entry(path.stream), entry.state != .ended
        else { return nil }
        let token = path.token.map { "~" + String(decoding: $0, as: UTF8.self) }
        // A viewer without a session has none to be placed by: all of them go to the first of the ranking.
        guard token != nil,
            case .allow(let known) = policy.session(
                of: path.stream, token: token, now: SystemClock.wall(), using: &random),
            case .edges(let first, _) = desk.route(
                known.session, to: path.stream, from: ViewerOrigin(), mayLeave: false)
        else { return desk.firstEdge(of: path.stream) }
        return first
    }
}

extension MediaResource {
    /// Whether a viewer who asks for it can be sent to another edge: what it refers to is found there, too.
    fileprivate var maySendElsewhere: Bool {
        switch self {
        case .flv, .mediaPlaylist, .multivariantPlaylist: true
        case .initSection, .part, .segment: false
        }
    }
}
