// SPDX-License-Identifier: Apache-2.0

public import Access
import Bytes
import HLS
import Identity
public import NIOCore
import Transport
public import WebServer

/// The door for steering manifests, in front of all media: `/{app}/{name}/steering.json`. One on each event loop, confined
/// to it.
public final class SteeringFront: MediaResponder {
    private let desk: SteeringDesk
    private let policy: AccessPolicy
    private let next: any MediaResponder
    private var scratch: [UInt8] = []

    /// The front of one event loop, before `next`.
    public init(desk: SteeringDesk, policy: AccessPolicy, next: any MediaResponder) {
        self.desk = desk
        self.policy = policy
        self.next = next
    }

    /// Whether a request target asks for a steering manifest.
    public static func isSteering(_ target: ByteBufferView) -> Bool {
        target.prefix { $0 != UInt8(ascii: "?") }.suffix(suffix.count).elementsEqual(suffix)
    }

    /// Answers, or hands on.
    public func respond(to request: MediaRequest, on exchange: MediaExchange) {
        guard Self.isSteering(request.target) else { return next.respond(to: request, on: exchange) }
        // It stands where the multivariant playlist stands.
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: request.path.dropLast(Self.suffix.count))
        scratch.append(contentsOf: Self.playlist)
        guard let path = try? MediaPath(parsing: scratch[...]) else { return exchange.send(Answers.notFound) }
        let token = path.token.map { "~" + String(decoding: $0, as: UTF8.self) }
        if case .refuse(let refusal) = policy.viewer(
            of: path.stream, token: token, resource: .media, now: SystemClock.wall())
        {
            return exchange.send(refusal == .tokenMissing ? Answers.unauthorized : Answers.forbidden)
        }
        let query = SteeringQuery(parsing: request.query ?? ByteBufferView())
        exchange.send(Answers.steering(desk.manifest(for: path.stream, asked: query).text))
    }

    /// Forgets a viewer who went away.
    public func cancelled(_ exchange: MediaExchange) { next.cancelled(exchange) }

    /// Goes on with a stream that was full.
    public func writable(_ exchange: MediaExchange) { next.writable(exchange) }

    private static let suffix = Array("/steering.json".utf8)
    private static let playlist = Array("/index.m3u8".utf8)
}
