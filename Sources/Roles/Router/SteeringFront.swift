// SPDX-License-Identifier: Apache-2.0

public import Access
import Bytes
import Cluster
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
        let decision = policy.viewer(of: path.stream, token: token, resource: .media, now: SystemClock.wall())
        switch decision {
        case .refuse(let refusal):
            exchange.send(refusal == .tokenMissing ? Answers.unauthorized : Answers.forbidden)
        case .allow(let session):
            let query = SteeringQuery(parsing: request.query ?? ByteBufferView())
            let viewer = session.map { SteeringDesk.number(of: $0) } ?? request.viewerNumber
            exchange.send(Answers.steering(desk.manifest(for: path.stream, asked: query, viewer: viewer).text))
        }
    }

    /// Forgets a viewer who went away.
    public func cancelled(_ exchange: MediaExchange) { next.cancelled(exchange) }

    /// Goes on with a stream that was full.
    public func writable(_ exchange: MediaExchange) { next.writable(exchange) }

    private static let suffix = Array("/steering.json".utf8)
    private static let playlist = Array("/index.m3u8".utf8)
}

extension MediaRequest {
    /// A number of a viewer without a session that every node makes the same: of the address, and of the playback session or
    /// else the user agent.
    fileprivate var viewerNumber: UInt64 {
        var bytes: [UInt8] = []
        for half in [peer.high, peer.low] { bytes.append(bigEndian: half) }
        bytes.append(contentsOf: playbackSession ?? userAgent ?? ByteBufferView())
        return Self.numbers.hash(bytes)
    }

    /// Keyed with the sixteen bytes `millrace viewers`.
    private static let numbers = SipHash(key: (0x6563_6172_6C6C_696D, 0x7372_6577_6569_7620))
}
