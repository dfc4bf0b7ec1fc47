// SPDX-License-Identifier: Apache-2.0

import Bytes
import ObjectStorage
import Objects
import Storage
import StoreKit
import Testing

@Suite("An outbound client")
struct OutboundClientTests {
    @Test("ends a request that nobody answers when its time is over")
    func timeout() async throws {
        let silent = try await StoreServers.silent()
        await #expect(throws: StoreFailure.timedOut) { try await ask(silent.port, timeout: .milliseconds(50)) }
    }

    @Test("says that nobody listens")
    func unreachable() async throws {
        let port = try ToolProcess.freePort()
        do {
            _ = try await ask(port)
            Issue.record("an answer")
        } catch StoreFailure.unreachable {
        }
    }

    @Test("gives up a request whose task is cancelled, at once")
    func cancellation() async throws {
        let silent = try await StoreServers.silent()
        let task = Task { try await ask(silent.port, timeout: .seconds(60)) }
        try await passTime(silent.port)
        task.cancel()
        await #expect(throws: StoreFailure.cancelled) { try await task.value }
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await ask(silent.port, timeout: .seconds(60))
        }
        await #expect(throws: StoreFailure.cancelled) { try await late.value }
    }

    @Test("takes no answer that is longer than was allowed")
    func tooLong() async throws {
        let store = try await StoreServers.moto()
        await #expect(throws: StoreFailure.tooLong) {
            try await StoreServers.client.send(
                OutboundRequest(method: "GET", url: store.endpoint + "/moto-api/"), timeout: .seconds(5),
                largest: .bytes(10))
        }
    }

    @Test("says of every request who made it, where it was told to")
    func loopToken() async throws {
        let echo = try await StoreServers.echo()
        var settings = OutboundSettings()
        settings.loopToken = "millrace-0123"
        let client = OutboundClient(settings)
        let told = String(decoding: try await ask(echo.port, client).body, as: UTF8.self)
        #expect(told.contains("CDN-Loop: millrace-0123"))
        client.close()
        let untold = String(decoding: try await ask(echo.port).body, as: UTF8.self)
        #expect(!untold.contains("CDN-Loop"))
    }

    @Test("gives up what is on its way when it closes, and refuses what comes later")
    func closing() async throws {
        let silent = try await StoreServers.silent()
        let client = OutboundClient()
        let tasks = (0..<5).map { _ in Task { try await ask(silent.port, timeout: .seconds(60), client) } }
        try await passTime(silent.port, client)
        client.close()
        for task in tasks { await #expect(throws: StoreFailure.cancelled) { try await task.value } }
        await #expect(throws: StoreFailure.cancelled) { try await ask(silent.port, timeout: .seconds(5), client) }
        client.close()
    }

    /// Waits until what was sent before is on its way: requests begin in their order, and this one runs out of time.
    private func passTime(_ port: Int, _ client: OutboundClient = StoreServers.client) async throws {
        await #expect(throws: StoreFailure.timedOut) { try await ask(port, timeout: .milliseconds(50), client) }
    }

    private func ask(
        _ port: Int, timeout: Duration = .seconds(5), _ client: OutboundClient = StoreServers.client
    ) async throws(StoreFailure) -> OutboundAnswer {
        try await client.send(
            OutboundRequest(method: "GET", url: "http://127.0.0.1:\(port)/"), timeout: timeout, largest: .kibibytes(1))
    }
}
