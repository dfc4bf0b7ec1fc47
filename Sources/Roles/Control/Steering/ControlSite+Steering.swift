// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Media
import NIOCore
import Transport
import WebServer

// Shares of an audience on pathways. Any node answers for its cluster.

extension ControlSite {
    func addSteeringRoutes(to router: Router<WebRequestContext>) {
        router.get("/api/v1/steering") { request, context in
            try guarded(.reader, request, context) { _ in
                let orders = node.steering.orders().map(answer(of:))
                return try answer(SteeringList(orders: orders, total: orders.count))
            }
        }
        router.put("/api/v1/steering") { request, context in
            try check(.operator, request, context)
            return try steer(try await request.body.collect(upTo: 4096))
        }
        router.delete("/api/v1/steering") { request, context in
            try guarded(.operator, request, context) { _ in
                try stopSteering(try request.uri.queryParameters["stream"].map { try audience(String($0)) })
            }
        }
    }

    private func steer(_ body: ByteBuffer) throws -> Response {
        guard let wish = try? JSONDecoder().decode(SteeringWish.self, from: Data(body.readableBytesView)) else {
            throw HTTPError(.badRequest, message: "the body must be JSON with shares, whole percents by pathway")
        }
        guard let shares = wish.audience else {
            throw HTTPError(
                .badRequest,
                message: "shares are 0 to 100 percent of at most 8 pathways, together at most 100, as {\"CDN\": 30}")
        }
        guard let life = wish.life else {
            throw HTTPError(.badRequest, message: "expiresIn is 1 to 604800 seconds")
        }
        guard node.steering.isOn else {
            throw HTTPError(.conflict, message: "viewers are told of no pathways: router.steering is 0s")
        }
        let now = Self.milliseconds
        let order = SteeringOrder(
            stream: try wish.streamKey.map(audience), time: now, expires: now + UInt64(life) * 1000, shares: shares)
        guard node.steering.take(order) else { throw Self.noRoom }
        return try answer(answer(of: order))
    }

    /// What takes an order back counts for at least as long as that would have.
    private func stopSteering(_ stream: StreamID?) throws -> Response {
        guard let known = node.steering.orders().last(where: { $0.stream == stream }) else {
            throw HTTPError(.notFound, message: "nothing was ordered of that audience")
        }
        let now = Self.milliseconds
        let end = SteeringOrder(stream: stream, time: now, expires: max(known.expires, now + 60_000), shares: [])
        guard node.steering.take(end) else { throw Self.noRoom }
        return Response(status: .noContent)
    }

    private func audience(_ key: String) throws -> StreamID {
        do throws(StreamID.Failure) { return try StreamID(parsing: key) } catch {
            throw HTTPError(.badRequest, message: "this is not the name of a stream: \(error)")
        }
    }

    private func answer(of order: SteeringOrder) -> SteeringAnswer {
        SteeringAnswer(
            streamKey: order.stream?.apiKey,
            shares: Dictionary(order.shares.map { ($0.pathway, Int($0.percent)) }, uniquingKeysWith: +),
            orderedAt: WallTime(milliseconds: Int64(clamping: order.time)).description,
            expiresAt: WallTime(milliseconds: Int64(clamping: order.expires)).description)
    }

    private static var noRoom: HTTPError {
        HTTPError(
            .conflict,
            message: "not taken: there are 64 orders about other streams, or one about this by a clock a day ahead")
    }

    private static var milliseconds: UInt64 { SystemClock.wall().milliseconds.magnitude }
}
