// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Foundation

/// Which running node a command asks.
struct NodeArguments: ParsableArguments {
    @Option(help: "The node's address, http:// or https://.")
    var node = "http://127.0.0.1:8080"

    @Option(
        name: .customLong("cacert"),
        help: "A PEM file of certificates by which an https node is believed, instead of this machine's.")
    var authority: String?

    @Flag(help: "Believe whoever answers at an https address; who stands between can read the token.")
    var insecure = false

    @Option(help: "A control token; this machine needs none by default. (env: MILLRACE_TOKEN)")
    var token: String?

    @Flag(help: "Print the node's answer as it came.")
    var json = false

    func validate() throws {
        let place = try endpoint
        if authority != nil, insecure { throw ValidationError("--cacert and --insecure exclude each other") }
        if place.trust == nil, authority != nil || insecure {
            throw ValidationError("--cacert and --insecure are for https addresses")
        }
    }

    /// What the node answers to a GET; a refusal and silence end the command.
    /// - Parameter patience: how long the node may think.
    func get(_ path: String, patience: Duration = .seconds(5)) throws -> APIAnswer {
        try ask("GET", path, body: [], patience: patience)
    }

    /// What the node answers to a POST of JSON.
    func post(_ path: String, _ body: [String: JSONValue]) throws -> APIAnswer {
        try ask("POST", path, body: Array(try JSONEncoder().encode(body)), patience: .seconds(15))
    }

    /// What the node answers to a PUT of JSON.
    func put(_ path: String, _ body: [String: JSONValue]) throws -> APIAnswer {
        try ask("PUT", path, body: Array(try JSONEncoder().encode(body)), patience: .seconds(15))
    }

    /// What the node answers to a DELETE, which may be of much.
    func delete(_ path: String) throws -> APIAnswer { try ask("DELETE", path, body: [], patience: .seconds(300)) }

    /// Prints a list of the API as a table, or as it came.
    func printList(_ name: String, at path: String, columns: [String], orElse sentence: String) throws {
        let answer = try get(path).succeeded()
        if json { return print(answer.text) }
        AnswerTable(try answer.list(name), columns: columns).print(orElse: sentence)
    }

    private func ask(_ method: String, _ path: String, body: [UInt8], patience: Duration) throws -> APIAnswer {
        let place = try endpoint
        var request = APIRequest(host: place.host, port: place.port, path: path)
        request.trust = place.trust
        request.method = method
        request.body = body
        request.timeout = patience
        return try NodeQuestion(node: node, request, token: token).answer()
    }

    private var endpoint: (host: String, port: UInt16, trust: APITrust?) {
        get throws {
            let refusal = ValidationError("--node \(node): write it as http://HOST:PORT or https://HOST:PORT")
            guard let parts = URLComponents(string: node), var host = parts.host, !host.isEmpty,
                parts.path.isEmpty || parts.path == "/", ["http", "https"].contains(parts.scheme)
            else { throw refusal }
            let isSecured = parts.scheme == "https"
            guard let port = UInt16(exactly: parts.port ?? (isSecured ? 443 : 80)) else { throw refusal }
            if host.hasPrefix("[") { host = String(host.dropFirst().dropLast()) }
            let believed = insecure ? APITrust.anybody : authority.map { APITrust.file($0) } ?? .system
            return (host, port, isSecured ? believed : nil)
        }
    }
}
