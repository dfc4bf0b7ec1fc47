// SPDX-License-Identifier: Apache-2.0

import Access
import Control
import Foundation
import Identity
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("The API document")
struct DocumentTests {
    private static var document: [String: Any] {
        let bytes = PageAssets.asset(at: "/api/openapi.json")?.bytes ?? []
        return (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] ?? [:]
    }

    /// `GET /api/ping` and so on, with what the document says of each.
    private static var operations: [String: [String: Any]] {
        let paths = document["paths"] as? [String: [String: Any]] ?? [:]
        return paths.reduce(into: [:]) { operations, path in
            for (method, operation) in path.value where method != "parameters" {
                operations["\(method.uppercased()) \(path.key)"] = operation as? [String: Any]
            }
        }
    }

    @Test("names the routes that there are, and no others")
    func routes() throws {
        let policy = AccessPolicy(
            settings: AccessSettings(), secret: try AccessSecret([UInt8](repeating: 1, count: 32)[...]))
        let site = ControlSite(node: EmptyNode(), policy: policy, hasPage: false, scriptOrigin: nil)
        #expect(site.routes == Set(Self.operations.keys))
    }

    @Test("says of every answer what it is", arguments: operations.keys.sorted())
    func answers(operation: String) async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            try await eventually("it is live") { try await node.playlist().segments.count >= 2 }
            let flv = try await node.open("/live/demo.flv")
            try await eventually("it plays") { flv.count > 1000 }
            let answer = try await ask(operation, key: "demo", node)
            #expect(answer.status == 200)
            try check(answer, operation)
        }
    }

    @Test("says what errors look like", arguments: operations.keys.sorted())
    func errors(operation: String) async throws {
        try await TestNode.run { node in
            let responses = try #require(Self.operations[operation]?["responses"] as? [String: Any])
            if responses["404"] != nil {
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
            guard operation.hasPrefix("POST") else { return }
            let bearer = ["Authorization": "Bearer \(node.controlToken(.reader))"]
            let reader = try await ask(operation, key: "demo", node, fields: bearer)
            #expect(reader.status == 403)
            try check(reader, operation)
        }
    }

    private func ask(
        _ operation: String, key: String, _ node: TestNode, fields: [String: String] = [:]
    ) async throws -> HTTPAnswer {
        let parts = operation.split(separator: " ").map(String.init)
        let body = parts[1] == "/api/v1/publish" ? #"{"streamKey": "room"}"# : nil
        let path = parts[1].replacingOccurrences(of: "{key}", with: key)
        return try await node.ask(path, method: parts[0], fields: fields, body: body)
    }

    /// Holds an answer against what the document says of its status.
    private func check(_ answer: HTTPAnswer, _ operation: String) throws {
        let shape = JSONShape(Self.document)
        let responses = Self.operations[operation]?["responses"] as? [String: [String: Any]]
        let response = shape.resolved(try #require(responses?[String(answer.status)], "\(answer.status)"))
        let content = try #require(response["content"] as? [String: [String: Any]])
        let type = try #require(answer.fields["content-type"])
        guard let schema = content[type]?["schema"] as? [String: Any] else {
            #expect(content.keys.contains { type.hasPrefix($0) }, "\(type)")
            return
        }
        guard schema["$ref"] != nil else { return }
        let value = try JSONSerialization.jsonObject(with: Data(answer.body))
        #expect(shape.faults(of: value, against: schema) == [])
    }
}

/// A node without streams.
private struct EmptyNode: ControlNode {
    func streams() -> [StreamStatus] { [] }
    func stream(_ id: StreamID) -> StreamStatus? { nil }
    func viewers(of id: StreamID) -> [ViewerStatus]? { nil }
    func stop(_ id: StreamID) -> Bool { false }
    func status() -> NodeStatus {
        NodeStatus(
            node: "n", version: "v", state: "running", roles: [], startedAt: "", uptimeSeconds: 0,
            streams: NodeStatus.Streams([]), publishers: 0, viewers: 0,
            connections: NodeStatus.Connections(rtmp: 0, http: 0), traffic: NodeStatus.Traffic(bitsIn: 0, bitsOut: 0),
            memoryBytes: 0, listeners: [])
    }
    func metrics() -> String { "" }
    func checks() -> [String: String] { [:] }
    var player: PlayerStatus { PlayerStatus(script: nil, node: "n", version: "v", rtmpPort: nil, tokenNeeded: true) }
    var rtmpPort: Int? { nil }
    var hlsScript: [UInt8]? { nil }
}
