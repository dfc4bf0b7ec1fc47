// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Foundation

/// `millrace streams`.
struct StreamsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams", abstract: "List the live streams of a running node."
    )

    @OptionGroup(title: "Node") var arguments: NodeArguments

    func run() throws {
        let answer = try arguments.get("/api/v1/streams")
        guard answer.status == 200 else { throw Refusal.unavailable("the node answered \(answer.status)") }
        if arguments.json { return print(answer.text) }
        let rows = try StreamRow.rows(in: answer.body)
        if rows.isEmpty { return print("no live streams") }
        for row in rows { print(row.text) }
    }
}

/// One line of the list: the names under which the API gives streams, in the order of the columns.
struct StreamRow {
    /// The line.
    let text: String

    /// The rows of the API's answer, an array or an object with `streams`; fields that a node does not give are left
    /// out.
    static func rows(in body: [UInt8]) throws -> [StreamRow] {
        let json = try? JSONSerialization.jsonObject(with: Data(body))
        guard let list = (json as? [String: Any])?["streams"] as? [[String: Any]] ?? json as? [[String: Any]] else {
            throw Refusal.unavailable("the node's answer is not a list of streams")
        }
        return list.map { fields in
            StreamRow(text: columns.compactMap { column($0, of: fields) }.joined(separator: "  "))
        }
    }

    private static func column(_ name: String, of fields: [String: Any]) -> String? {
        guard let value = fields[name], !(value is NSNull) else { return nil }
        return name == columns[0] ? "\(value)" : "\(name)=\(value)"
    }

    private static let columns = ["id", "state", "viewers", "bitrate", "codecs", "resolution", "uptimeSeconds"]
}
