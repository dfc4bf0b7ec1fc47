// SPDX-License-Identifier: Apache-2.0

import Access
import Control
import Foundation
import Identity
import Node
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("The API document")
struct DocumentTests {
    @Test("names the routes that there are, and no others")
    func routes() throws {
        let policy = AccessPolicy(
            settings: AccessSettings(), secret: try AccessSecret([UInt8](repeating: 1, count: 32)[...]))
        let site = ControlSite(
            node: FakeNode(), policy: policy, metricsAddresses: [], hasPage: false, scriptOrigin: nil)
        #expect(site.routes == Set(APIDocument.operations.keys))
    }

    @Test("says of every answer what it is", arguments: APIDocument.operations.keys.sorted())
    func answers(operation: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "store-\(UInt64.random(in: 0 ... .max))")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await TestNode.run {
            $0.storage.kind = .file
            $0.storage.path = folder.path
        } _: { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            try await eventually("it is live") { try await node.playlist().segments.count >= 2 }
            let flv = try await node.open("/live/demo.flv")
            try await eventually("it plays") { flv.count > 1000 }
            try await eventually("it is recorded") { try await recording(node) != nil }
            let answer = try await ask(operation, key: "demo", recording: try await recording(node) ?? "", node)
            #expect(answer.status == Self.status(whileLive: operation))
            try check(answer, operation)
        }
    }

    @Test("says what errors look like", arguments: APIDocument.operations.keys.sorted())
    func errors(operation: String) async throws {
        try await TestNode.run { node in
            let responses = try #require(APIDocument.operations[operation]?["responses"] as? [String: Any])
            if responses["404"] != nil, operation.contains("{key}") {
                for key in ["nothing", "..", "vip%2F", "%00", "%ff"] {
                    let answer = try await ask(operation, key: key, node)
                    #expect(answer.status == 404, "\(key)")
                    try check(answer, operation)
                }
            }
            guard responses["401"] != nil else { return }
            let foreign = try await ask(operation, key: "demo", node, fields: ["X-Forwarded-For": "192.0.2.1"])
            #expect(foreign.status == 401 && foreign.fields["www-authenticate"] == "Bearer")
            try check(foreign, operation)
            guard ["POST", "PUT", "DELETE"].contains(where: operation.hasPrefix) else { return }
            let bearer = ["Authorization": "Bearer \(node.controlToken(.reader))"]
            let reader = try await ask(operation, key: "demo", node, fields: bearer)
            #expect(reader.status == 403)
            try check(reader, operation)
        }
    }

    /// What an operation is answered with for a stream that is live, on a node without a cluster.
    private static func status(whileLive operation: String) -> Int {
        if operation == "DELETE /api/v1/streams/{key}" { return 200 }
        if operation == "DELETE /api/v1/steering" { return 404 }
        if operation.hasSuffix("/rtp") { return operation.hasPrefix("POST") ? 409 : 404 }
        return operation.hasPrefix("POST /api/v1/cluster") || operation.hasPrefix("DELETE") ? 409 : 200
    }

    /// The id of the recording that there is, as part of a path.
    private func recording(_ node: TestNode) async throws -> String? {
        let body = try await node.ask("/api/v1/recordings").body
        let list = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        let first = (list?["recordings"] as? [[String: Any]])?.first
        return (first?["id"] as? String)?.replacing("/", with: "%2F")
    }

    private func ask(
        _ operation: String, key: String, recording: String = "live%2Fnone%2F1", _ node: TestNode,
        fields: [String: String] = [:]
    ) async throws -> HTTPAnswer {
        let parts = operation.split(separator: " ").map(String.init)
        let bodies = [
            "/api/v1/publish": #"{"streamKey": "room"}"#,
            "/api/v1/streams/{key}/rtp":
                "v=0\r\nm=audio 5004 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\na=ssrc:7 cname:x\r\n",
            "/api/v1/cluster/keys": #"{"verb": "use", "key": "0000000a"}"#,
            "/api/v1/steering": #"{"streamKey": "demo", "shares": {"CDN": 30}}"#,
        ]
        let body = ["POST", "PUT"].contains(parts[0]) ? bodies[parts[1]] : nil
        let path = parts[1].replacing("{key}", with: key).replacing("{name}", with: "edge-1")
            .replacing("{id}", with: recording)
        return try await node.ask(path, method: parts[0], fields: fields, body: body)
    }

    private func check(_ answer: HTTPAnswer, _ operation: String) throws {
        try APIDocument.check(answer.status, answer.fields["content-type"], answer.body, of: operation)
    }
}
