// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
package import Media
package import ObjectStorage
package import Objects
import Signing
package import Storage
import Telemetry

/// The stores that tests write to, each started once, at the first wish for it, with a bucket `live`.
package enum StoreServers {
    /// SeaweedFS, which verifies signatures.
    package static func seaweed() async throws -> S3Settings { try await seaweedTask.value.1 }
    /// moto, which does not.
    package static func moto() async throws -> S3Settings { try await motoTask.value.1 }
    /// Our stub of Google's XML interface, which verifies signatures.
    package static func googleXML() async throws -> S3Settings {
        let port = try await googleTask.value.port
        return S3Settings(
            endpoint: "http://127.0.0.1:\(port)", bucket: "live",
            scheme: .google(accessKey: access, secret: secret))
    }

    /// fake-gcs-server, and our stub as its token endpoint.
    package static func googleJSON() async throws -> GoogleDialect {
        let port = try await fakeTask.value.port
        let tokens = try await googleTask.value.port
        let keyFile = try JSONSerialization.data(withJSONObject: [
            "client_email": "a@b.c", "private_key_id": "1",
            "private_key": try String(contentsOfFile: key, encoding: .utf8),
            "token_uri": "http://127.0.0.1:\(tokens)/token",
        ])
        return GoogleDialect(
            bucket: "live", account: try ServiceAccount(parsing: Array(keyFile)), endpoint: "http://127.0.0.1:\(port)")
    }

    /// Our stub of Azure.
    package static func azure() async throws -> AzureSettings {
        let port = try await azureTask.value.port
        guard let key = AzureKey(account: "account", base64: Base64.standard.text(Array(0..<64))) else {
            throw NoTool("no key")
        }
        return AzureSettings(
            endpoint: "http://127.0.0.1:\(port)/account", container: "live", credential: .sharedKey(key))
    }

    /// A line to a server on which `percent` of the requests fail.
    package static func faults(to port: Int, percent: Int) async throws -> ToolProcess {
        try await ToolProcess("python") { [stub, "faults", "\($0)", "\(port)", "\(percent)"] }
    }

    /// A server that accepts and says nothing.
    package static func silent() async throws -> ToolProcess {
        try await ToolProcess("python") { [stub, "silent", "\($0)"] }
    }

    /// A server that answers with the headers that it was asked with.
    package static func echo() async throws -> ToolProcess {
        try await ToolProcess("python") { [stub, "echo", "\($0)"] }
    }

    /// A store of a dialect, with metrics of its own.
    package static func store(
        _ dialect: some StoreDialect, client: OutboundClient = client, settings: StoreSettings = StoreSettings(),
        wall: @escaping @Sendable () -> WallTime = StoreServers.wall
    ) -> RemoteStore {
        RemoteStore(
            dialect, client: client, settings: settings,
            metrics: StoreMetrics(MetricRegistry(families: StoreMetrics.families)), wall: wall)
    }

    /// A folder that is removed when the tests end.
    package static let scratch: String = {
        let path = NSTemporaryDirectory() + "millrace-tests-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: StoreServers.scratch) }
        return path
    }()

    /// Civil time.
    package static let wall: @Sendable () -> WallTime = {
        WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    /// The client of all tests.
    package static let client = OutboundClient()

    private static let access = "millrace"
    private static let secret = "secret-of-the-tests"
    private static let here = URL(filePath: #filePath).deletingLastPathComponent()
    private static let stub = here.appending(path: "store_stub.py").path
    private static let key = here.appending(path: "../Vectors/signing/rsa.pem").path

    private static let seaweedTask = Task { () async throws -> (ToolProcess, S3Settings) in
        let folder = scratch + "/seaweed"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let identity: [String: Any] = [
            "name": "tests", "actions": ["Admin", "Read", "Write", "List"],
            "credentials": [["accessKey": access, "secretKey": secret]],
        ]
        try JSONSerialization.data(withJSONObject: ["identities": [identity]])
            .write(to: URL(filePath: folder + "/s3.json"))
        var server: ToolProcess?
        // Somebody may have taken a port meanwhile.
        for _ in 0..<3 where server == nil { server = try? await weed(in: folder) }
        let running = if let server { server } else { try await weed(in: folder) }
        return (running, try await bucket(at: running.port))
    }

    private static func weed(in folder: String) async throws -> ToolProcess {
        // Each of its parts has a second port, 10 000 above the first.
        let ports = try (0..<4).map { _ in try ToolProcess.freePort(andAbove: 10_000) }
        return try await ToolProcess("weed", port: ports[0]) { port in
            [
                "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=\(folder)", "-master.volumeSizeLimitMB=64",
                "-master.port=\(ports[1])", "-volume.port=\(ports[2])", "-filer.port=\(ports[3])", "-volume.max=20",
                "-s3", "-s3.port=\(port)", "-s3.config=\(folder)/s3.json", "-master.telemetry=false",
                // They would have the same port in every store of this machine.
                "-s3.port.iceberg=0", "-s3.port.lance=0",
            ]
        }
    }

    private static let motoTask = Task { () async throws -> (ToolProcess, S3Settings) in
        let server = try await ToolProcess("moto_server") { ["-H", "127.0.0.1", "-p", "\($0)"] }
        return (server, try await bucket(at: server.port))
    }

    private static let googleTask = Task { () async throws -> ToolProcess in
        try await ToolProcess("python") { [stub, "google", "\($0)", key] }
    }

    private static let azureTask = Task { () async throws -> ToolProcess in
        try await ToolProcess("python") { [stub, "azure", "\($0)"] }
    }

    private static let fakeTask = Task { () async throws -> ToolProcess in
        let server = try await ToolProcess("fake-gcs-server") {
            ["-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", "\($0)"]
        }
        let request = OutboundRequest(
            method: "POST", url: "http://127.0.0.1:\(server.port)/storage/v1/b?project=p",
            headers: [OutboundHeader("Content-Type", "application/json")], body: Array("{\"name\":\"live\"}".utf8))
        try await insist(request)
        return server
    }

    private static func bucket(at port: Int) async throws -> S3Settings {
        let settings = S3Settings(
            endpoint: "http://127.0.0.1:\(port)", bucket: "live",
            scheme: .amazon(accessKey: access, secret: secret, region: "us-east-1"))
        let request = OutboundRequest(method: "PUT", url: settings.endpoint + "/live")
        let signer = SigV4Signer(settings.scheme)
        try await insist(signer.signed(request, payload: .hashed(Digest.sha256.hash("")), now: wall()))
        return settings
    }

    /// Sends until it succeeds: a server may listen before all of it is there.
    private static func insist(_ request: OutboundRequest) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        var last = "nothing"
        while ContinuousClock.now < deadline {
            if let answer = try? await client.send(request, timeout: .seconds(5), largest: .kibibytes(64)) {
                if answer.status < 300 { return }
                last = "\(answer.status) \(String(decoding: answer.body, as: UTF8.self))"
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw NoTool("\(request.url): \(last)")
    }
}
