// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Foundation

/// Which running node a command asks.
struct NodeArguments: ParsableArguments {
    @Option(help: "The node's HTTP address; plain http only.")
    var node = "http://127.0.0.1:8080"

    @Option(help: "A control token; this machine needs none by default. (env: MILLRACE_TOKEN)")
    var token: String?

    @Flag(help: "Print the node's answer as it came.")
    var json = false

    func validate() throws { _ = try endpoint }

    /// What the node answers to a GET; a refusal and silence end the command.
    func get(_ path: String) throws -> APIAnswer {
        let (host, port) = try endpoint
        return try NodeQuestion(node: node, APIRequest(host: host, port: port, path: path), token: token).answer()
    }

    private var endpoint: (String, UInt16) {
        get throws {
            guard let parts = URLComponents(string: node), parts.scheme == "http", var host = parts.host,
                let port = UInt16(exactly: parts.port ?? 80), parts.path.isEmpty || parts.path == "/"
            else { throw ValidationError("--node \(node): write it as http://HOST:PORT") }
            if host.hasPrefix("[") { host = String(host.dropFirst().dropLast()) }
            return (host, port)
        }
    }
}
