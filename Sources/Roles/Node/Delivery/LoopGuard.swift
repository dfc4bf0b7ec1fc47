// SPDX-License-Identifier: Apache-2.0

import Bytes
import Gossip
import NIOCore
import Signing
import Telemetry
import WebServer

/// Knows requests that have come round: a node's request to the object store that a CDN or a proxy in its place sent back to
/// the nodes (RFC 8586).
///
/// Anybody can write CDN-Loop, also through a CDN that has a thousand viewers wait for the answer to one of them, so a name that
/// can be guessed would let anybody have them refused (RFC 8586 §3). This one is made of the cluster's key, the same on all its
/// nodes, or of chance on a node that is alone; only the store and what stands before it ever see it.
package struct LoopGuard: Sendable {
    /// The pseudonym of this cluster: `millrace-` and sixteen hexadecimal digits.
    package let token: String
    private let refused: Counter

    /// - Parameter key: the cluster's key; nil on a node that is alone.
    init(key: ClusterKey?, refused: Counter) {
        let chance = (0..<32).map { _ in UInt8.random(in: 0...255) }
        let code = Digest.sha256.code(key: key?.bytes ?? chance, "millrace CDN-Loop")
        token = "millrace-\(code.prefix(8).hex)"
        self.refused = refused
    }

    /// Whether a request has come round; counted.
    func catches(_ request: MediaRequest) -> Bool {
        guard let loop = request.loop, String(decoding: loop, as: UTF8.self).contains(token) else { return false }
        refused.add()
        return true
    }
}

/// The door before all media that refuses what has come round. One on each event loop, confined to it.
final class LoopFront: MediaResponder {
    private let loops: LoopGuard
    private let next: any MediaResponder

    /// The front of one event loop, before `next`.
    init(_ loops: LoopGuard, next: any MediaResponder) {
        self.loops = loops
        self.next = next
    }

    /// Answers, or hands on.
    func respond(to request: MediaRequest, on exchange: MediaExchange) {
        guard loops.catches(request) else { return next.respond(to: request, on: exchange) }
        exchange.send(Self.loop)
    }

    /// Forgets a viewer who went away.
    func cancelled(_ exchange: MediaExchange) { next.cancelled(exchange) }

    /// Goes on with a stream that was full.
    func writable(_ exchange: MediaExchange) { next.writable(exchange) }

    /// 508 (RFC 5842 §7.2).
    private static let loop = MediaAnswer(AnswerHead(status: 508, cacheControl: "no-store"))
}
