// SPDX-License-Identifier: Apache-2.0

import Access
import Control
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Media
import NIOCore
import Synchronization
import Transport
import WebServer

/// The control site of a node with a fake desk, asked without a socket between.
struct DeskSite {
    let desk: FakeDesk
    private let policy: AccessPolicy

    init(_ desk: FakeDesk = FakeDesk()) throws {
        self.desk = desk
        let secret = try AccessSecret([UInt8](repeating: 1, count: 32)[...])
        policy = AccessPolicy(settings: AccessSettings(), secret: secret)
    }

    /// A control token.
    func token(_ role: ControlRole) -> String {
        var random = SystemRandomNumberGenerator()
        let expiry = SystemClock.wall().advanced(by: .seconds(60))
        return ControlToken(role: role, until: expiry, by: policy.secret, using: &random).text
    }

    /// Asks from this machine, or from another.
    func ask(
        _ path: String, method: String = "GET", body: String = "", token: String? = nil, isFar: Bool = false,
        isTLS: Bool = false, isAlone: Bool = false
    ) async throws -> SiteAnswer {
        let site = ControlSite(
            node: FakeNode(cluster: isAlone ? nil : desk), policy: policy, metricsAddresses: .local, hasPage: false,
            scriptOrigin: nil)
        var head = HTTPRequest(
            method: HTTPRequest.Method(method) ?? .get, scheme: "http", authority: "127.0.0.1:8080", path: path)
        if let token { head.headerFields[.authorization] = "Bearer \(token)" }
        let peer = PeerAddress(ipv4: isFar ? 0xC000_0201 : 0x7F00_0001)
        let source = WebRequestContext.Source(logger: Logger(label: "test"), peer: peer, isTLS: isTLS)
        let response = try await site.responder().respond(
            to: Request(head: head, body: RequestBody(buffer: ByteBuffer(string: body))),
            context: WebRequestContext(source: source))
        let kept = Kept()
        try await response.body.write(kept)
        return SiteAnswer(
            status: response.status.code, type: response.headers[.contentType], body: kept.bytes.withLock { $0 })
    }
}

/// What the site answered.
struct SiteAnswer {
    let status: Int
    let type: String?
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The sentence of an error.
    var sentence: String? {
        let fields = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: String]
        return fields?["error"]
    }

    /// The value at a path of names and indices.
    func value(_ path: Any...) throws -> String {
        var value: Any? = try JSONSerialization.jsonObject(with: Data(body))
        for step in path {
            if let index = step as? Int {
                value = (value as? [Any]).flatMap { $0.indices.contains(index) ? $0[index] : nil }
            } else {
                value = (value as? [String: Any])?["\(step)"]
            }
        }
        return value is NSNull ? "null" : value.map { "\($0)" } ?? "missing"
    }
}

private final class Kept: ResponseBodyWriter, Sendable {
    let bytes = Mutex<[UInt8]>([])

    func write(_ buffer: ByteBuffer) async throws { bytes.withLock { $0 += Array(buffer.readableBytesView) } }
    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
