// SPDX-License-Identifier: Apache-2.0

public import Access
import Cluster
import Foundation
import HTTPTypes
public import Hummingbird
import Identity
import Media
import NIOCore
public import Transport
public import WebServer

/// The control API and the page: everything over HTTP that is not media.
public struct ControlSite: Sendable {
    let node: any ControlNode
    private let policy: AccessPolicy
    private let hasPage: Bool
    private let scriptOrigin: String?
    private let elsewhere: [String]
    private let metricsAddresses: [AddressPrefix]

    /// The site of `node`.
    /// - Parameters:
    ///   - metricsAddresses: who may read the metrics.
    ///   - scriptOrigin: where hls.js is loaded from, if not from here.
    ///   - elsewhere: where playlists may lead beside nodes.
    public init(
        node: any ControlNode, policy: AccessPolicy, metricsAddresses: [AddressPrefix], hasPage: Bool,
        scriptOrigin: String?, elsewhere: [String] = []
    ) {
        self.node = node
        self.policy = policy
        self.hasPage = hasPage
        self.scriptOrigin = scriptOrigin
        self.elsewhere = elsewhere
        self.metricsAddresses = metricsAddresses
    }

    /// Answers every route.
    public func responder() -> some HTTPResponder<WebRequestContext> { router().buildResponder() }

    /// The routes, `GET /api/ping` and so on, for the test that holds them against the document.
    public var routes: Set<String> {
        Set(router().routes.map { "\($0.method.rawValue) \($0.path)" })
    }

    /// Every route and what answers it.
    private func router() -> Router<WebRequestContext> {
        let router = Router(context: WebRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: ErrorsAsJSON())
        router.get("/api/ping") { _, _ in try answer(Pong(time: seconds)) }
        router.get("/health") { _, _ in try health() }
        router.get("/ready") { _, _ in try ready() }
        router.get("/metrics") { request, context in try metrics(request, context) }
        router.get("/api/v1/player") { request, _ in
            let stream = request.uri.queryParameters["stream"].map(String.init)
            return try answer(node.player(of: stream.flatMap { try? StreamID(parsing: $0) }))
        }
        router.get("/api/v1/status") { try guarded(.reader, $0, $1) { _ in try answer(node.status()) } }
        addStreamRoutes(to: router)
        addRTPRoutes(to: router)
        addClusterRoutes(to: router)
        addRecordingRoutes(to: router)
        addSteeringRoutes(to: router)
        if hasPage { addPage(to: router) }
        router.get("/api/openapi.json") { request, _ in asset("/api/openapi.json", request) }
        return router
    }
}

// MARK: - Streams

extension ControlSite {
    private func addStreamRoutes(to router: Router<WebRequestContext>) {
        router.get("/api/v1/streams") { request, context in
            try guarded(.reader, request, context) { _ in
                let streams = node.streams()
                return try answer(StreamList(streams: streams, total: streams.count))
            }
        }
        router.get("/api/v1/streams/:key") { request, context in
            try guarded(.reader, request, context) { _ in
                guard let stream = node.stream(try streamID(context)) else { throw Self.noStream }
                return try answer(StreamAnswer(stream: stream))
            }
        }
        router.get("/api/v1/streams/:key/viewers") { request, context in
            try guarded(.reader, request, context) { _ in
                let id = try streamID(context)
                guard let sessions = node.viewers(of: id) else { throw Self.noStream }
                return try answer(ViewerList(streamKey: id.apiKey, sessions: sessions, total: sessions.count))
            }
        }
        router.post("/api/v1/streams/:key/stop") { request, context in
            try guarded(.operator, request, context) { _ in
                let id = try streamID(context)
                guard node.stop(id) else { throw Self.noStream }
                return try answer(StopAnswer(streamKey: id.apiKey))
            }
        }
        router.delete("/api/v1/streams/:key") { request, context in
            try guarded(.operator, request, context) { _ in
                guard let answered = node.takeDown(try streamID(context)) else { throw Self.noStream }
                return try answer(answered)
            }
        }
        router.post("/api/v1/publish") { request, context in
            try check(.operator, request, context)
            let body = try await request.body.collect(upTo: 16384)
            return try answer(publish(body, authority: request.head.authority))
        }
    }

    func streamID(_ context: WebRequestContext) throws -> StreamID {
        guard let key = context.parameters.get("key"), let decoded = key.removingPercentEncoding,
            let id = try? StreamID(parsing: decoded)
        else { throw Self.noStream }
        return id
    }

    private func publish(_ body: ByteBuffer, authority: String?) throws -> PublishAnswer {
        guard let wish = try? JSONDecoder().decode(PublishWish.self, from: Data(body.readableBytesView)) else {
            throw HTTPError(.badRequest, message: "the body must be JSON with streamKey, and a whole expiresIn")
        }
        let id: StreamID
        do throws(StreamID.Failure) { id = try StreamID(parsing: wish.streamKey) } catch {
            throw HTTPError(.badRequest, message: "streamKey is not the name of a stream: \(error)")
        }
        let now = SystemClock.wall()
        let expiry = policy.publishExpiry(requested: wish.expiresIn.map { .seconds(max(1, $0)) }, now: now)
        var random = SystemRandomNumberGenerator()
        let token = PublishToken(for: id, until: expiry, by: policy.secret, using: &random).text
        let host = authority.map { $0.hasPrefix("[") ? $0.prefix { $0 != "]" } + "]" : $0.prefix { $0 != ":" } }
        let port = node.rtmpPort.map { $0 == 1935 ? "" : ":\($0)" } ?? ""
        return PublishAnswer(
            publishUrl: "rtmp://\(host ?? "127.0.0.1")\(port)/\(id)?token=\(token)", streamKey: id.apiKey,
            token: token, expiresAt: expiry.description)
    }

    static let noStream = HTTPError(.notFound, message: "stream not found")
}

// MARK: - The node

extension ControlSite {
    private var seconds: Int64 { SystemClock.wall().milliseconds / 1000 }

    private func health() throws -> Response {
        let status = node.status()
        let dependencies = node.dependencies()
        let whole = Int(status.uptimeSeconds)
        return try answer(
            Health(
                status: dependencies.values.allSatisfy { $0 == "ok" } ? "healthy" : "degraded",
                timestamp: SystemClock.wall().description, time: seconds,
                uptime: "\(whole / 3600)h\(whole / 60 % 60)m\(whole % 60)s",
                connections: status.connections.rtmp + status.connections.http,
                checks: node.checks().merging(dependencies) { check, _ in check }))
    }

    /// Ready is who takes publishers and viewers, also where a dependency is away: were a cluster not ready because its
    /// store is not, all of it would be down at once.
    private func ready() throws -> Response {
        let checks = node.checks()
        let all = checks.merging(node.dependencies()) { check, _ in check }
        let reason = Self.reason(checks)
        let readiness = Readiness(
            ready: reason == nil, status: reason == nil ? "ready" : "not_ready",
            timestamp: SystemClock.wall().description, time: seconds,
            dependencies: Self.reason(all) ?? "ok", checks: all, error: reason)
        return try answer(readiness, status: reason == nil ? .ok : .serviceUnavailable)
    }

    /// What is not `ok`, in a sentence; nil where all is.
    private static func reason(_ checks: [String: String]) -> String? {
        let bad = checks.filter { $0.value != "ok" }.sorted { $0.key < $1.key }
        return bad.isEmpty ? nil : bad.map { "\($0.key): \($0.value)" }.joined(separator: "; ")
    }

    /// What the node counts, for a network that may know; for all others, and through a proxy, it is not there. The
    /// route itself refuses, as a proxy's rule is easily got around: `//metrics` and `/metrics/` come here, too.
    private func metrics(_ request: Request, _ context: WebRequestContext) throws -> Response {
        guard metricsAddresses.contains(context.peer), !caller(request, context).isForwarded else {
            throw HTTPError(.notFound)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: node.metrics())))
    }
}

// MARK: - The page

extension ControlSite {
    private func addPage(to router: Router<WebRequestContext>) {
        for path in PageAssets.paths where path != "/api/openapi.json" {
            router.get(RouterPath(path)) { request, _ in asset(path, request) }
        }
        router.get("/watch/**") { request, _ in asset(request.uri.path, request) }
        guard let script = node.hlsScript else { return }
        let player = PageAsset(script, "text/javascript; charset=utf-8")
        router.get("/player/hls.js") { request, _ in send(player, request) }
    }

    private func asset(_ path: String, _ request: Request) -> Response {
        PageAssets.asset(at: path).map { send($0, request) } ?? Response(status: .notFound)
    }

    /// Where playlists may lead a player: the CDN, a store, and the region's edges; anywhere, where there are other regions, whose edges are not
    /// known here.
    private var mediaOrigins: [String] {
        guard let view = node.cluster?.view() else { return elsewhere }
        guard view.regions.isEmpty else { return ["http:", "https:"] }
        return elsewhere + view.members.map(\.description.viewerURL).filter { !$0.isEmpty }
    }

    private func send(_ asset: PageAsset, _ request: Request) -> Response {
        var headers = HTTPFields()
        for header in PageAssets.headers(scriptOrigin: scriptOrigin, mediaOrigins: mediaOrigins) {
            if let name = HTTPField.Name(header.name) { headers[name] = header.value }
        }
        headers[.eTag] = asset.entityTag
        if request.headers[.ifNoneMatch] == asset.entityTag { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = asset.contentType
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    }
}

// MARK: - Who may ask

extension ControlSite {
    func guarded(
        _ role: ControlRole, _ request: Request, _ context: WebRequestContext,
        _ body: (ControlRole) throws -> Response
    ) throws -> Response {
        try body(try check(role, request, context))
    }

    @discardableResult
    func check(_ needed: ControlRole, _ request: Request, _ context: WebRequestContext) throws -> ControlRole {
        let header = request.headers[.authorization]
        let token = header.flatMap { $0.lowercased().hasPrefix("bearer ") ? $0.dropFirst(7) : nil }
        switch policy.control(needed, token: token, caller: caller(request, context), now: SystemClock.wall()) {
        case .allow(let role): return role
        case .refuse(let refusal):
            if case .roleTooLow = refusal { throw HTTPError(.forbidden, message: refusal.description) }
            throw HTTPError(
                .unauthorized, headers: [.wwwAuthenticate: "Bearer"], message: refusal.description)
        }
    }

    private func caller(_ request: Request, _ context: WebRequestContext) -> Caller {
        var caller = Caller(isLoopback: context.peer.isLoopback, authority: request.head.authority)
        for field in request.headers { caller.note(header: field.name.canonicalName, value: field.value) }
        return caller
    }

    func answer(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value)
        return Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }
}

/// Errors in one shape, `{"error": …}`, whoever throws them.
struct ErrorsAsJSON: RouterMiddleware {
    typealias Context = WebRequestContext

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError {
            return Self.response(error.status, error.body ?? error.status.reasonPhrase, error.headers)
        } catch is NIOTooManyBytesError {
            return Self.response(.contentTooLarge, "the body is too long", [:])
        }
    }

    private static func response(_ status: HTTPResponse.Status, _ text: String, _ headers: HTTPFields) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        let body = (try? JSONEncoder().encode(ErrorAnswer(error: text))) ?? Data()
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
