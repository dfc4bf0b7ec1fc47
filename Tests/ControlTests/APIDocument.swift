// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import Testing

/// The API document that the program carries.
enum APIDocument {
    static var document: [String: Any] {
        let bytes = PageAssets.asset(at: "/api/openapi.json")?.bytes ?? []
        return (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] ?? [:]
    }

    /// `GET /api/ping` and so on, with what the document says of each.
    static var operations: [String: [String: Any]] {
        let paths = document["paths"] as? [String: [String: Any]] ?? [:]
        return paths.reduce(into: [:]) { operations, path in
            for (method, operation) in path.value where method != "parameters" {
                operations["\(method.uppercased()) \(path.key)"] = operation as? [String: Any]
            }
        }
    }

    /// The operations on the cluster.
    static var clusterOperations: [String] { operations.keys.filter { $0.contains("/cluster") }.sorted() }

    /// Holds an answer against what the document says of its status.
    static func check(_ status: Int, _ type: String?, _ body: [UInt8], of operation: String) throws {
        let shape = JSONShape(document)
        let responses = operations[operation]?["responses"] as? [String: [String: Any]]
        let response = shape.resolved(try #require(responses?[String(status)], "\(status)"))
        let content = try #require(response["content"] as? [String: [String: Any]])
        let type = try #require(type)
        guard let schema = content[type]?["schema"] as? [String: Any] else {
            #expect(content.keys.contains { type.hasPrefix($0) }, "\(type)")
            return
        }
        guard schema["$ref"] != nil else { return }
        let value = try JSONSerialization.jsonObject(with: Data(body))
        #expect(shape.faults(of: value, against: schema) == [])
    }
}
