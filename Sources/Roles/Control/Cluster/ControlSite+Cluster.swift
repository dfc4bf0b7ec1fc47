// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import NIOCore
import Transport
import WebServer

// The cluster as any of its nodes knows it. A node without one answers for itself alone.

extension ControlSite {
    func addClusterRoutes(to router: Router<WebRequestContext>) {
        router.get("/api/v1/cluster") { try guarded(.reader, $0, $1) { _ in try cluster() } }
        router.get("/api/v1/cluster/members") { try guarded(.reader, $0, $1) { _ in try members() } }
        router.get("/api/v1/cluster/streams") { try guarded(.reader, $0, $1) { _ in try clusterStreams() } }
        router.get("/api/v1/cluster/streams/:key") { request, context in
            try guarded(.reader, request, context) { _ in try clusterStream(try streamID(context)) }
        }
        router.get("/api/v1/cluster/ranking/:key") { request, context in
            try guarded(.reader, request, context) { _ in try ranking(context) }
        }
        router.get("/api/v1/cluster/events") { request, context in
            try check(.reader, request, context)
            return try await events(request)
        }
        router.post("/api/v1/cluster/nodes/:name/drain") { request, context in
            try check(.admin, request, context)
            return try await drain(context.parameters.get("name") ?? "", request)
        }
        router.get("/api/v1/cluster/keys") { try guarded(.admin, $0, $1) { _ in try keys() } }
        router.post("/api/v1/cluster/keys") { request, context in
            try check(.admin, request, context)
            return try await changeKeys(request, context)
        }
    }

    private var desk: any ClusterDesk { node.cluster ?? LoneDesk(node) }
}

// MARK: - What is

extension ControlSite {
    private func cluster() throws -> Response {
        let desk = desk
        return try answer(
            ClusterAnswer(
                desk.view(), isClustered: node.cluster != nil, audience: ClusterAudience(desk.loads())))
    }

    private func members() throws -> Response {
        let desk = desk
        let (view, audience) = (desk.view(), ClusterAudience(desk.loads()))
        let members = view.members.map { member in
            MemberStatus(member, own: member.id == view.node, load: audience.load(of: member.id))
        }
        return try answer(MemberList(node: view.node.description, members: members, total: members.count))
    }

    private func clusterStreams() throws -> Response {
        let desk = desk
        let audience = ClusterAudience(desk.loads())
        let entries = desk.view().streams.values.sorted { $0.stream < $1.stream }
        let streams = entries.map { status(of: $0, audience) }
        return try answer(ClusterStreamList(streams: streams, total: streams.count))
    }

    private func clusterStream(_ id: StreamID) throws -> Response {
        let desk = desk
        let (view, audience) = (desk.view(), ClusterAudience(desk.loads()))
        guard let entry = view.streams[id] else { throw Self.noStream }
        let key = RankingKey(id)
        let tree = desk.tree(of: id).map { branch in
            TreeBranchStatus(
                branch, member: view.member(branch.node), viewers: audience.viewers(of: key, on: branch.node))
        }
        return try answer(
            ClusterStreamAnswer(
                stream: status(of: entry, audience), ranking: places(of: id, desk, view, audience), tree: tree))
    }

    private func ranking(_ context: WebRequestContext) throws -> Response {
        let text = context.parameters.get("key")?.removingPercentEncoding ?? ""
        let id: StreamID
        do throws(StreamID.Failure) { id = try StreamID(parsing: text) } catch {
            throw HTTPError(.badRequest, message: "this is not the name of a stream: \(error)")
        }
        let desk = desk
        let places = places(of: id, desk, desk.view(), ClusterAudience(desk.loads()))
        return try answer(RankingList(streamKey: id.apiKey, ranking: places, total: places.count))
    }

    private func status(of entry: StreamEntry, _ audience: ClusterAudience) -> ClusterStreamStatus {
        let key = RankingKey(entry.stream)
        return ClusterStreamStatus(entry, viewers: audience.viewers(of: key), edges: audience.edges(of: key))
    }

    private func places(
        of stream: StreamID, _ desk: any ClusterDesk, _ view: ClusterView, _ audience: ClusterAudience
    ) -> [RankingPlace] {
        let key = RankingKey(stream)
        return desk.ranking(of: stream).enumerated().map { index, ranked in
            RankingPlace(
                ranked, at: index + 1, member: view.member(ranked.node),
                viewers: audience.viewers(of: key, on: ranked.node))
        }
    }
}

// MARK: - What happens

extension ControlSite {
    /// Answers when there is something to tell, or when the wait is over. A node that is not ready keeps nobody.
    private func events(_ request: Request) async throws -> Response {
        let after = request.uri.queryParameters["after"].map { UInt64($0) } ?? 0
        let wait = request.uri.queryParameters["wait"].map { Int($0) } ?? 0
        guard let after, let wait, (0...Self.longestWait).contains(wait) else {
            throw HTTPError(.badRequest, message: "after is a number, and wait 0 to \(Self.longestWait) seconds")
        }
        let desk = desk
        let deadline = SystemClock.now() + .seconds(wait)
        var events = desk.events(after: after)
        while events.isEmpty, SystemClock.now() < deadline, node.checks().allSatisfy({ $0.value == "ok" }) {
            try await Task.sleep(for: .milliseconds(200))
            events = desk.events(after: after)
        }
        return try answer(EventList(events, after: after))
    }

    private static let longestWait = 20
}

// MARK: - What is to be done

extension ControlSite {
    private func drain(_ name: String, _ request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: Self.longestBody)
        guard let wish = DrainWish.parsed(body.readableBytesView) else {
            throw HTTPError(
                .badRequest, message: "the body must be empty, or JSON with deadline, whole seconds up to a day")
        }
        guard let id = NodeID(parsing: name) else {
            throw node.cluster == nil ? Self.alone : Self.noMember
        }
        // What another node sends is for this one, or came to the wrong place: it is never sent on.
        guard request.uri.queryParameters["direct"] == nil || id == desk.view().node else { throw Self.noMember }
        switch await desk.drain(id, within: wish.deadline) {
        case .begun:
            let draining = DrainAnswer(node: name, deadline: wish.deadline.components.seconds)
            return try answer(draining, status: .accepted)
        case .alone: throw Self.alone
        case .gone: throw HTTPError(.conflict, message: "\(name) is gone already")
        case .unknownNode: throw Self.noMember
        case .unreachable: throw HTTPError(.gatewayTimeout, message: "\(name) did not answer")
        }
    }

    private func keys() throws -> Response {
        let keys = desk.keys().map { KeyStatus(key: $0.id.keyName, inUse: $0.isInUse) }
        return try answer(KeyList(keys: keys))
    }

    /// A key is taken from this machine or over TLS, so that nobody on the way reads it.
    private func changeKeys(_ request: Request, _ context: WebRequestContext) async throws -> Response {
        guard context.peer.isLoopback || context.isTLS else {
            throw HTTPError(.forbidden, message: "keys are changed from the node's own machine or over TLS")
        }
        let body = try await request.body.collect(upTo: Self.longestBody)
        guard let wish = KeyWish.parsed(body.readableBytesView) else {
            throw HTTPError(
                .badRequest,
                message: "the body must be JSON with verb install and secret, or verb use or remove and key")
        }
        switch desk.order(wish.change) {
        case .ordered(let id): return try answer(KeyAnswer(key: id.keyName, verb: wish.verb.rawValue))
        case .refused(.alone): throw Self.alone
        case .refused(.inUse): throw HTTPError(.conflict, message: "the key is in use: use another first")
        case .refused(.notAKey):
            throw HTTPError(.badRequest, message: "a key is 32 bytes, as 64 hexadecimal digits or in base64")
        case .refused(.unknownKey): throw HTTPError(.notFound, message: "no key of that id is installed")
        case .refused(.full): throw HTTPError(.conflict, message: "four keys are installed: remove one first")
        }
    }

    private static let longestBody = 4096
    private static let alone = HTTPError(
        .conflict, message: "this node is in no cluster: set cluster.key and cluster.seeds to join one")
    private static let noMember = HTTPError(.notFound, message: "no member of the cluster has that name")
}
