// SPDX-License-Identifier: Apache-2.0

import APIClient
package import Access
import Foundation
package import Identity
import Media
import Transport

/// Makes tokens for the command line with the settings in force.
package struct Tokens {
    private let settings: NodeSettings

    /// Tokens for a node that has these settings.
    package init(_ settings: NodeSettings) { self.settings = settings }

    /// A token that allows `stream` to be published. Without `access.secret` the running node is asked, for its key is
    /// known to nobody else.
    package func publish(_ stream: StreamID, life: Duration?) throws -> String {
        guard settings.access.secret != nil else { return try publishFromNode(stream, life: life) }
        let policy = try policy()
        var random = SystemRandomNumberGenerator()
        let expiry = policy.publishExpiry(requested: life, now: SystemClock.wall())
        return PublishToken(for: stream, until: expiry, by: policy.secret, using: &random).text
    }

    /// A token that allows `stream` to be watched.
    package func viewer(_ stream: StreamID, life: Duration) throws -> String {
        let policy = try policy()
        var random = SystemRandomNumberGenerator()
        let session = ViewerID.random(using: &random)
        let expiry = SystemClock.wall().advanced(by: life)
        return ViewerToken(for: stream, session: session, until: expiry, by: policy.secret).text
    }

    /// A token for the control API.
    package func control(_ role: ControlRole, life: Duration) throws -> String {
        let policy = try policy()
        var random = SystemRandomNumberGenerator()
        let expiry = SystemClock.wall().advanced(by: life)
        return ControlToken(role: role, until: expiry, by: policy.secret, using: &random).text
    }

    /// Needs `access.secret`: a key made now would be no node's key.
    private func policy() throws -> AccessPolicy {
        guard settings.access.secret != nil else {
            throw Refusal.settings(
                "access.secret is not set: a viewer or control token must be signed with the node's own")
        }
        return AccessPolicy(settings: settings.accessSettings, secret: try settings.accessSecret())
    }

    private func publishFromNode(_ stream: StreamID, life: Duration?) throws -> String {
        let host = Self.everywhere.contains(settings.http.host) ? "127.0.0.1" : settings.http.host
        guard let port = UInt16(exactly: settings.http.port), port > 0 else {
            throw Refusal.settings("access.secret is not set, and http.port does not say where to ask the running node")
        }
        var request = APIRequest(host: host, port: port, path: "/api/v1/publish")
        // To this machine's own node, as by plain HTTP: its certificate bears the name that viewers use.
        if settings.http.tls.certificate != nil { request.trust = .anybody }
        request.method = "POST"
        request.body = Array(try JSONEncoder().encode(PublishWish(stream, life: life)))
        let answer = try NodeQuestion(node: "the node at \(host):\(port)", request).answer()
        guard answer.status == 200, let made = try? JSONDecoder().decode(MadeToken.self, from: Data(answer.body)) else {
            throw Refusal.unavailable("the node at \(host):\(port) answered \(answer.status), and no token")
        }
        return made.token
    }

    /// Hosts that stand for every address of the machine, loopback among them.
    private static let everywhere = ["::", "0.0.0.0", "localhost"]
}

/// The body of `POST /api/v1/publish`, as openapi.json has it.
private struct PublishWish: Encodable {
    let streamKey: String
    let expiresIn: Int64?

    init(_ stream: StreamID, life: Duration?) {
        streamKey = stream.description
        expiresIn = life.map { max(1, $0.components.seconds) }
    }
}

/// What of its answer is wanted.
private struct MadeToken: Decodable {
    let token: String
}
