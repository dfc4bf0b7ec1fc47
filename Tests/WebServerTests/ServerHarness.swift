// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Transport
import WebServer

/// A server on loopback, with one event loop of its own.
struct ServerHarness {
    let server: HTTPServer
    let log: WebLog
    let group: MultiThreadedEventLoopGroup
    let certificate: String?
    let responder: NIOLoopBound<TestResponder>

    /// Runs a server for as long as `body` takes.
    static func run(
        _ settings: WebSettings = WebSettings(), isTLS: Bool = false, _ body: (ServerHarness) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/millrace-\(UInt64.random(in: 0 ... .max))"
        let contexts = isTLS ? try await certify(directory) : nil
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let log = WebLog()
        let made = Mutex<NIOLoopBound<TestResponder>?>(nil)
        let server = try await HTTPServer.start(
            TCPListenerSettings(host: "127.0.0.1", port: 0, limits: AdmissionLimits(ratePerAddress: 0)), web: settings,
            tls: contexts, site: DoorHarness.site, on: group, observer: log
        ) { loop in
            let responder = TestResponder()
            made.withLock { $0 = NIOLoopBound(responder, eventLoop: loop) }
            return responder
        }
        let certificate = isTLS ? directory + "/cert.pem" : nil
        let responder = try #require(made.withLock { $0 })
        do {
            try await body(
                ServerHarness(server: server, log: log, group: group, certificate: certificate, responder: responder)
            )
        } catch {
            await server.stop(within: .zero)
            throw error
        }
        await server.stop(within: .zero)
        try await group.shutdownGracefully()
    }

    func connect(receiveBuffer: Int32? = nil) async throws -> Client {
        try await Client(to: server.address, trusting: certificate, receiveBuffer: receiveBuffer)
    }

    /// Connects with the preface of HTTP/2, and leaves its frames to the caller.
    func connectHTTP2() async throws -> Client {
        let client = try await Client(to: server.address, trusting: certificate, speaking: "h2")
        try await client.send(RawFrame.preface)
        return client
    }

    /// How many exchanges wait.
    func waiting() async throws -> Int { try await responder.eventLoop.submit { responder.value.waiting.count }.get() }

    /// What the responder has noted.
    func notes() async throws -> [String] { try await responder.eventLoop.submit { responder.value.notes }.get() }

    func answerWaiting() async throws { try await responder.eventLoop.submit { responder.value.answerWaiting() }.get() }

    var port: Int { server.address.port ?? 0 }

    private static func certify(_ directory: String) async throws -> TLSContexts {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try await WebServerTests.run(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=edge.test "
                + "-addext subjectAltName=DNS:edge.test -keyout \(directory)/key.pem -out \(directory)/cert.pem "
                + "2>/dev/null"
        )
        return try TLSContexts(TLSFiles(certificates: directory + "/cert.pem", key: directory + "/key.pem"))
    }
}
