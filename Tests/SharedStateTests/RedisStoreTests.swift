// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import RedisKit
import SharedState
import Telemetry
import TestKit
import Testing

private let term = Term(number: 10, salt: 1)

@Suite("A store in Redis")
struct RedisStoreTests {
    @Test("that dies is unreachable at once, and is found again")
    func dies() async throws {
        let redis = try await RedisProcess()
        let node = try StoreHarness(redis)
        #expect(try await node.claim(term) == .granted)
        #expect(node.registry.counts("millrace_redis_up") == 1)
        redis.kill()
        #expect(try await node.renew(term).isFailed)
        #expect(node.registry.counts("millrace_redis_up") == 0)
        #expect(try await node.claim(term) == .unreachable)
        #expect(node.registry.counts("millrace_redis_renewals_failed_total") == 1)
        try await redis.start()
        node.store.hurry()
        #expect(try await node.renew(term).isRenewed())
        #expect(node.registry.counts("millrace_redis_up") == 1)
        await node.store.stop()
        #expect(try await node.claim(term) == .unreachable)
    }

    @Test("is left alone for a moment after it failed")
    func jitter() async throws {
        let node = try StoreHarness(.server(RedisServer(host: "127.0.0.1", port: UInt16(RedisProcess.freePort()))))
        var outcomes: [RenewalOutcome] = []
        for _ in 0..<50 { outcomes.append(try await node.renew(term)) }
        #expect(outcomes[0].isFailed)
        #expect(outcomes.contains(.postponed))
        node.store.hurry()
        #expect(try await node.renew(term).isFailed)
        await node.store.stop()
    }

    @Test("that stands still is given up after the timeout")
    func stands() async throws {
        let redis = try await RedisProcess()
        let node = try StoreHarness(redis) { $0.timeout = .milliseconds(100) }
        func isGranted() async throws -> Bool {
            node.store.hurry()
            return try await node.claim(term) == .granted
        }
        // On a busy machine an answer may take longer than that.
        try await eventually("it is there") { try await isGranted() }
        redis.pause()
        #expect(try await node.claim(term) == .unreachable)
        redis.resume()
        try await eventually("it is found again") { try await isGranted() }
        await node.store.stop()
    }

    @Test("wants its password", arguments: [nil, "wrong", "opensesame"] as [String?])
    func password(given: String?) async throws {
        let redis = try await RedisProcess(["--requirepass", "opensesame"], password: "opensesame")
        let node = try StoreHarness(redis) { $0.password = given }
        #expect(try await node.claim(term) == (given == "opensesame" ? .granted : .unreachable))
        await node.store.stop()
    }

    @Test("knows users, databases and prefixes")
    func user() async throws {
        let redis = try await RedisProcess()
        // What a node needs, as docs/operations/redis.md has it.
        try redis.command(
            "ACL", "SETUSER", "node", "on", ">opensesame", "~mine:*", "+select", "+role", "+eval", "+evalsha", "+get",
            "+set", "+del", "+time", "+zadd", "+zremrangebyscore", "+zrevrange", "+pexpire")
        let node = try StoreHarness(redis) {
            $0.user = "node"
            $0.password = "opensesame"
            $0.database = 3
            $0.prefix = "mine:"
        }
        #expect(try await node.claim(term) == .granted)
        #expect(try await node.renew(term).isRenewed())
        #expect(await node.store.seeds(in: .local) == [StoreHarness.home])
        #expect(try redis.command("GET", "mine:test:lease:{live/show}", in: 3) == "one")
        #expect(try redis.command("GET", "mine:test:lease:{live/show}").isEmpty)
        await node.store.stop()
    }

    @Test("tells where nodes of each region are, for as long as they say so")
    func seeds() async throws {
        let redis = try await RedisProcess()
        let node = try StoreHarness(redis)
        let far = try #require(Region(parsing: "far"))
        #expect(await node.store.seeds(in: .local).isEmpty)
        #expect(await node.renew([:]).isRenewed())
        #expect(await node.store.seeds(in: .local) == [StoreHarness.home])
        #expect(await node.store.seeds(outside: far) == [StoreHarness.home])
        #expect(await node.store.seeds(outside: .local).isEmpty)
        #expect(await node.store.seeds(in: far).isEmpty)
        let brief = try StoreHarness(redis) { $0.seedLife = .milliseconds(100) }
        #expect(await brief.renew([:]).isRenewed())
        try await eventually("it is no seed any more") { await node.store.seeds(in: .local).isEmpty }
        await node.store.stop()
        await brief.store.stop()
    }

    @Test("is followed by its sentinels to a new master, and terms do not fall when the last writes are lost")
    func sentinel() async throws {
        let three = try await RedisSentinel()
        defer { three.stop() }
        let node = try StoreHarness(three.place)
        #expect(try await node.claim(term) == .granted)
        three.master.kill()
        #expect(try await node.renew(term).isFailed)
        try await eventually("the new master has it") { try await node.renew(term).isRenewed() }
        #expect(try three.replica.command("GET", "millrace:test:lease:{live/show}") == "one")
        #expect(
            try await node.claim(Term(number: 9, salt: 1), knowing: term)
                == .refused(highest: term, holder: name("one")))
        await node.store.stop()
    }

    @Test("is found by a sentinel that asks for a password, and not by who has none")
    func sentinelPassword() async throws {
        let three = try await RedisSentinel(password: "word")
        defer { three.stop() }
        let stranger = try StoreHarness(three.place)
        #expect(try await stranger.renew(term).isFailed)
        await stranger.store.stop()
        for user in [nil, "default"] {
            let node = try StoreHarness(three.place) {
                $0.sentinelUser = user
                $0.sentinelPassword = "word"
            }
            #expect(try await node.claim(term) == .granted)
            await node.store.stop()
        }
    }

    @Test("is told by a sentence what is wrong with it")
    func sentences() {
        #expect(
            "\(RedisFailure.refused("WRONGPASS invalid"))" == "the server refused: WRONGPASS invalid")
        #expect("\(RedisFailure.noMaster("streams"))" == "no sentinel knows a master streams")
    }

    @Test(
        "has a place",
        arguments: [
            ("redis", "redis:6379"), ("10.0.0.1:7000", "10.0.0.1:7000"), ("[2001:db8::1]", "[2001:db8::1]:6379"),
            ("[::1]:7", "[::1]:7"), ("", nil), ("a:b", nil), ("a:0", nil), ("a:65536", nil), ("::1", nil),
            ("a b", nil), ("[::1", nil), ("[::1]7", nil), ("u:p@h", nil), ("host/0", nil),
        ] as [(String, String?)])
    func place(text: String, wanted: String?) {
        #expect(RedisServer(parsing: text, defaultPort: 6379)?.description == wanted)
    }
}

extension MetricRegistry {
    /// The sum of a family's samples.
    func counts(_ name: String) -> Int {
        String(decoding: text(), as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix(name + " ") || $0.hasPrefix(name + "{") }
            .reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
    }
}
