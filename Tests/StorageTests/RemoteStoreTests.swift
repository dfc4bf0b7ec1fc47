// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import Media
import ObjectStorage
import Objects
import Storage
import StoreKit
import Testing

@Suite("A remote store")
struct RemoteStoreTests {
    @Test("writes and reads all of 200 objects while a fifth of all requests fails")
    func faults() async throws {
        let settings = try await StoreServers.seaweed()
        let port = try #require(Int(settings.endpoint.split(separator: ":").last ?? ""))
        let line = try await StoreServers.faults(to: port, percent: 20)
        var bad = settings
        bad.endpoint = "http://127.0.0.1:\(line.port)"
        var patient = StoreSettings()
        patient.attempts = 12
        let store = StoreServers.store(S3Dialect(bad), settings: patient)
        let folder = UUID().uuidString
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                if number >= 8 { try await group.next() }
                group.addTask {
                    let key = try #require(ObjectKey(parsing: "\(folder)/\(number)"))
                    let bytes = [UInt8](repeating: UInt8(number), count: 20_000)
                    try await store.putImmutable(key, ObjectContent(bytes, mediaType: "video/mp4"))
                    #expect(try await store.get(key).bytes == bytes)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await StoreServers.store(S3Dialect(settings)).list(prefix: folder + "/").objects.count == 200)
    }

    @Test("tells wrong secrets, a wrong clock and a missing bucket apart, and does not try them again")
    func refusals() async throws {
        let good = try await StoreServers.seaweed()
        let key = try #require(ObjectKey(parsing: "x"))
        var wrong = good
        wrong.scheme = .amazon(accessKey: "millrace", secret: "another secret", region: "us-east-1")
        await #expect(throws: StoreFailure.wrongCredentials("SignatureDoesNotMatch")) {
            try await StoreServers.store(S3Dialect(wrong)).get(key)
        }
        wrong.scheme = .amazon(accessKey: "nobody", secret: "another secret", region: "us-east-1")
        await #expect(throws: StoreFailure.wrongCredentials("InvalidAccessKeyId")) {
            try await StoreServers.store(S3Dialect(wrong)).get(key)
        }
        await #expect(throws: StoreFailure.clockSkew) {
            try await StoreServers.store(S3Dialect(good), wall: { StoreServers.wall().advanced(by: .seconds(-3600)) })
                .get(key)
        }
        // SeaweedFS makes a bucket that is missing.
        var elsewhere = try await StoreServers.moto()
        elsewhere.bucket = "no-such-bucket"
        await #expect(throws: StoreFailure.noBucket) {
            try await StoreServers.store(S3Dialect(elsewhere)).put(key, ObjectContent([], mediaType: "text/plain"))
        }
    }

    @Test("is refused by Azure with a wrong key, and with shared access to less")
    func azureRefusals() async throws {
        var settings = try await StoreServers.azure()
        guard case .sharedKey(let key) = settings.credential else { return }
        let name = try #require(ObjectKey(parsing: "x"))
        var access = SharedAccessSignature(
            container: "live", subject: .container, permissions: "r",
            expires: StoreServers.wall().advanced(by: .seconds(600)))
        access.requiresTLS = false
        let reading = access.query(signedWith: key)
        access.expires = StoreServers.wall().advanced(by: .seconds(-1))
        let widened = reading.replacing("sp=r", with: "sp=rw")
        for query in [reading, widened, access.query(signedWith: key)] {
            settings.credential = .sharedAccess(query)
            await #expect(throws: StoreFailure.wrongCredentials("AuthenticationFailed")) {
                try await StoreServers.store(AzureDialect(settings)).put(name, ObjectContent([], mediaType: "a/b"))
            }
        }
    }

    @Test("hands out a URL with which anybody may read")
    func readingURL() async throws {
        let dialect = S3Dialect(try await StoreServers.seaweed())
        let key = try #require(ObjectKey(parsing: "\(UUID().uuidString)/a b.m4s"))
        try await StoreServers.store(dialect).put(key, ObjectContent([1, 2, 3], mediaType: "video/mp4"))
        let url = dialect.readingURL(of: key, lifetime: .seconds(60), now: StoreServers.wall())
        let answer = try await read(url)
        #expect(answer.status == 200 && answer.body == [1, 2, 3] && answer.headers["content-type"] == "video/mp4")
        #expect(try await read(url.replacing("a%20b", with: "a%20c")).status == 403)
        #expect(try await read(url.replacing("Expires=60", with: "Expires=600")).status == 403)
    }

    @Test("gives up on a store that hangs within its attempts' time")
    func hanging() async throws {
        let silent = try await StoreServers.silent()
        var settings = StoreSettings()
        settings.timeout = .milliseconds(100)
        settings.attempts = 3
        let store = StoreServers.store(
            S3Dialect(
                S3Settings(
                    endpoint: "http://127.0.0.1:\(silent.port)", bucket: "live",
                    scheme: .amazon(accessKey: "a", secret: "b", region: "r"))), settings: settings)
        let start = ContinuousClock.now
        await #expect(throws: StoreFailure.timedOut) { try await store.head(try #require(ObjectKey(parsing: "x"))) }
        // Three tenths of a second and two waits, on a machine that does nothing else.
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    private func read(_ url: String) async throws -> OutboundAnswer {
        try await StoreServers.client.send(
            OutboundRequest(method: "GET", url: url), timeout: .seconds(5), largest: .mebibytes(1))
    }
}
