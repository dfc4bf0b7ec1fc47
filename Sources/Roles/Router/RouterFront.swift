// SPDX-License-Identifier: Apache-2.0

public import Access
import Bytes
import Cluster
import HLS
import Identity
public import Media
import NIOCore
public import Placement
public import Transport
public import WebServer

/// A router's door for viewers: whoever begins to watch is told of edges; all else goes to the edge of this node, where
/// it has one. One on each event loop, confined to it.
public final class RouterFront: MediaResponder {
    private let desk: RouterDesk
    private let policy: AccessPolicy
    private let settings: RouterFrontSettings
    private let edge: (any MediaResponder)?
    private let steering: SteeringDesk
    private var scratch: [UInt8] = []
    private var known = KnownStreams()
    private var random = SystemRandomNumberGenerator()

    /// The front of one event loop, before `edge`.
    public init(
        desk: RouterDesk, steering: SteeringDesk, policy: AccessPolicy, settings: RouterFrontSettings,
        edge: (any MediaResponder)?
    ) {
        self.steering = steering
        self.desk = desk
        self.policy = policy
        self.settings = settings
        self.edge = edge
    }

    /// Answers, or hands on.
    public func respond(to request: MediaRequest, on exchange: MediaExchange) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: request.target)
        guard let path = try? MediaPath(parsing: scratch[...], known: &known) else {
            return pass(request, exchange)
        }
        guard path.resource.beginsWatching, !path.hasBeenSent(by: .router) else {
            return edge == nil ? sendOn(path, request, exchange) : pass(request, exchange)
        }
        begin(path, request, exchange)
    }

    /// Forgets a viewer who went away.
    public func cancelled(_ exchange: MediaExchange) { edge?.cancelled(exchange) }

    /// Goes on with a stream that was full.
    public func writable(_ exchange: MediaExchange) { edge?.writable(exchange) }
}

/// How a router answers.
public struct RouterFrontSettings: Sendable {
    /// Whether viewers of playlists are given a playlist of their own, or sent to an edge.
    public var writesPlaylists = true
    /// Proxies whose word about a viewer is taken.
    public var trustedProxies: [Transport.AddressPrefix] = []
    /// Where an address is, by a database.
    public var place: @Sendable (PeerAddress) -> (country: String?, point: GeographicPoint?) = { _ in (nil, nil) }

    /// The defaults.
    public init() {}
}

// MARK: - A viewer begins to watch

extension RouterFront {
    private func begin(_ path: MediaPath, _ request: MediaRequest, _ exchange: MediaExchange) {
        guard let entry = desk.entry(path.stream), entry.state != .ended else {
            desk.metrics.routed(.unknownStream)
            return pass(request, exchange)
        }
        guard let (session, token) = admit(path, on: exchange) else { return }
        let mayLeave = !path.hasBeenSent(by: .region)
        switch desk.route(session, to: path.stream, from: viewer(request), mayLeave: mayLeave) {
        case .here:
            desk.metrics.routed(.here)
            pass(request, exchange)
        case .nowhere:
            desk.metrics.routed(.nowhere)
            exchange.send(Answers.nowhere)
        case .region(let url):
            desk.metrics.routed(.region)
            exchange.send(Answers.redirect(to: url, path.withToken(token, sentBy: .region, in: request)))
        case .edges(let first, let second):
            give(first, second, entry, path, session, token, request, exchange)
        }
    }

    /// The session, and the path component that bears it; nil where the request was refused.
    private func admit(_ path: MediaPath, on exchange: MediaExchange) -> (ViewerID, String)? {
        let token = path.token.map { "~" + String(decoding: $0, as: UTF8.self) }
        let now = SystemClock.wall()
        switch policy.session(of: path.stream, token: token, now: now, using: &random) {
        case .allow(let token): return (token.session, token.text)
        case .refuse(let refusal):
            exchange.send(refusal == .tokenMissing ? Answers.unauthorized : Answers.forbidden)
            return nil
        }
    }

    private func give(
        _ first: Member, _ second: Member?, _ entry: StreamEntry, _ path: MediaPath, _ session: ViewerID,
        _ token: String,
        _ request: MediaRequest, _ exchange: MediaExchange
    ) {
        let pathways = [first, second].compactMap { $0 }.map {
            MultivariantPlaylist.Pathway(id: $0.id.description, base: "\($0.description.viewerURL)/\(token)")
        }
        let others = steering.pathways(of: path.stream, token: token)
        let all = others.isEmpty ? pathways : steering.ordered(pathways + others, of: path.stream, for: session)
        if settings.writesPlaylists, case .multivariantPlaylist = path.resource,
            let playlist = MultivariantPlaylist(
                of: path.stream, variants: entry.variants, at: all,
                steering: others.isEmpty ? nil : .absolute("/" + token), query: path.rewindQuery ?? "")
        {
            desk.metrics.routed(.playlist)
            return exchange.send(Answers.playlist(playlist.text))
        }
        desk.metrics.routed(.edge)
        if first.id == desk.snapshot.view.node { return pass(request, exchange) }
        exchange.send(
            Answers.redirect(to: first.description.viewerURL, path.withToken(token, sentBy: .router, in: request)))
    }

    private func viewer(_ request: MediaRequest) -> ViewerOrigin {
        settings.origin(
            of: request.peer, forwardedFor: request.forwardedFor.map { String(decoding: $0, as: UTF8.self) },
            region: request.region.map { String(decoding: $0, as: UTF8.self) })
    }
}

extension RouterFrontSettings {
    /// Where a viewer comes from.
    /// - Parameters:
    ///   - forwardedFor: the last X-Forwarded-For; believed of a trusted proxy only, as is `region`.
    public func origin(of peer: PeerAddress, forwardedFor: String?, region: String?) -> ViewerOrigin {
        var origin = ViewerOrigin()
        var address = peer
        if trustedProxies.contains(where: { $0.contains(peer) }) {
            origin.region = region.flatMap { Region(parsing: $0) }
            address = forwardedFor.flatMap(PeerAddress.init(lastOf:)) ?? address
        }
        origin.address = address.ipAddress
        let (country, place) = place(address)
        (origin.country, origin.place) = (country, place)
        return origin
    }
}

// MARK: - All others

extension RouterFront {
    private func pass(_ request: MediaRequest, _ exchange: MediaExchange) {
        guard let edge else { return exchange.send(Answers.notFound) }
        edge.respond(to: request, on: exchange)
    }

    /// A router without an edge sends those who ask it for media to one.
    private func sendOn(_ path: MediaPath, _ request: MediaRequest, _ exchange: MediaExchange) {
        guard desk.entry(path.stream) != nil else { return exchange.send(Answers.notFound) }
        guard let edge = desk.firstEdge(of: path.stream) else { return exchange.send(Answers.nowhere) }
        let url = edge.description.viewerURL
        exchange.send(Answers.redirect(to: url, String(decoding: request.target, as: UTF8.self)))
    }
}

/// Who sent a viewer on, as a query says it, so that views that differ for a moment do not send it round.
enum Sender: String {
    case region, router
}

extension MediaPath {
    func hasBeenSent(by sender: Sender) -> Bool {
        let mark = "via=\(sender.rawValue)"
        return query.split(separator: UInt8(ascii: "&")).contains { $0.elementsEqual(mark.utf8) }
    }

    /// The path as it was asked for, behind the viewer's token.
    func withToken(_ component: String, sentBy sender: Sender, in request: MediaRequest) -> String {
        var path = String(decoding: request.path, as: UTF8.self)
        if token != nil { path = String(path.dropFirst().drop { $0 != "/" }) }
        return "/\(component)\(path)?via=\(sender.rawValue)\(rewindQuery.map { "&" + $0 } ?? "")"
    }

    /// What the viewer says of going back, for whom it is sent to; nil where it says nothing.
    var rewindQuery: String? { PlaylistQuery.rewinds(query).map { $0 ? "dvr=1" : "dvr=0" } }
}

extension MediaResource {
    /// Whether a router has a say in it.
    var beginsWatching: Bool {
        switch self {
        case .flv, .multivariantPlaylist: true
        case .initSection, .mediaPlaylist, .part, .segment: false
        }
    }
}

extension PeerAddress {
    /// The last address of a list as X-Forwarded-For has it; nil where that is none.
    fileprivate init?(lastOf list: String) {
        guard let last = list.split(separator: ",").last?.filter({ $0 != " " }) else { return nil }
        self.init(try? SocketAddress(ipAddress: last, port: 0))
    }

    /// The same as the cluster has it.
    var ipAddress: IPAddress { isIPv4 ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high, low) }
}
