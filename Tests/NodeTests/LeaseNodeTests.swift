// SPDX-License-Identifier: Apache-2.0

import Node
import NodeKit
import RTMP
import RedisKit
import TestKit
import Testing

@Suite("Nodes that share a Redis", .serialized)
struct LeaseNodeTests {
    /// Nodes of one cluster with `redis` as their store.
    private func run(
        _ count: Int, _ redis: RedisProcess, _ change: (Int, inout NodeSettings) -> Void = { _, _ in },
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        try await TestCluster.run(
            count,
            {
                $1.redis.url = "redis://127.0.0.1:\(redis.port)"
                change($0, &$1)
            }, body)
    }

    private func term(of name: String, on node: TestNode) async throws -> String {
        let answer = try await node.ask("/live/\(name)/main/media.m3u8").text
        return String(answer.split(separator: "\n").last { $0.hasSuffix(".m4s") }?.prefix { $0 != "/" } ?? "")
    }

    /// Publishes a few seconds, and waits until they can be played.
    private func publish(_ name: String, to node: TestNode) async throws -> RTMPPeer {
        let publisher = try await node.publisher(name)
        try await publisher.publish(.milliseconds(3050), of: .seconds)
        try await eventually("\(name) plays") {
            node.running.keepHouse()
            return try await !term(of: name, on: node).isEmpty
        }
        return publisher
    }

    @Test("find each other by it, and hold a lease of every stream as long as it lives")
    func lease() async throws {
        let redis = try await RedisProcess()
        try await run(2, redis, { $1.cluster.seeds = [] }) { cluster in
            let publisher = try await publish("demo", to: cluster[0])
            #expect(try redis.command("GET", "millrace:millrace:lease:{live/demo}") == "n0")
            #expect(cluster[0].metric("millrace_redis_claims_total", "granted") == 1)
            #expect(cluster[0].metric("millrace_redis_up") == 1)
            try await eventually("it is well") {
                cluster.keepHouse()
                return try await cluster[0].ask("/health").text.contains(#""redis":"ok""#)
            }
            #expect(try await cluster[0].ask("/health").text.contains(#""status":"healthy""#))
            await publisher.vanish()
            _ = try await cluster[0].ask("/api/v1/streams/demo/stop", method: "POST")
            try await eventually("the lease is given back") {
                try redis.command("GET", "millrace:millrace:lease:{live/demo}").isEmpty
            }
        }
    }

    @Test(
        "go on when it dies: what is live, what is new, and readiness; when it is back and knows nothing, terms go up")
    func dies() async throws {
        let redis = try await RedisProcess()
        try await run(2, redis) { cluster in
            let publisher = try await publish("demo", to: cluster[0])
            let before = try await term(of: "demo", on: cluster[0])
            redis.kill()
            try await eventually("both notice") {
                cluster.keepHouse()
                return cluster.nodes.allSatisfy { $0.metric("millrace_redis_renewals_failed_total") > 0 }
            }
            try await publisher.send(from: .milliseconds(3050), to: .milliseconds(5050), of: .seconds)
            _ = try await publish("other", to: cluster[1])
            #expect(cluster[1].metric("millrace_redis_claims_total", "unreachable") == 1)
            let health = try await cluster[0].ask("/health").text
            #expect(health.contains(#""status":"degraded""#) && health.contains(#""redis":"unreachable""#))
            let readiness = try await cluster[0].ask("/ready")
            #expect(readiness.status == 200 && readiness.text.contains(#""dependencies":"redis: unreachable""#))
            try await redis.start()
            try await eventually("both leases are there again") {
                cluster.keepHouse()
                return try redis.command(
                    "MGET", "millrace:millrace:lease:{live/demo}", "millrace:millrace:lease:{live/other}")
                    == "n0\nn1"
            }
            #expect(try await term(of: "demo", on: cluster[0]) == before)
            #expect(cluster.nodes.allSatisfy { $0.metric("millrace_redis_fences_total") == 0 })
            await publisher.vanish()
            _ = try await cluster[0].ask("/api/v1/streams/demo/stop", method: "POST")
            try redis.command("FLUSHALL")
            let again = try await publish("demo", to: cluster[0])
            let after = try await term(of: "demo", on: cluster[0])
            #expect(number(after) > number(before), "\(before), then \(after)")
            await again.vanish()
        }
    }

    @Test("fence the one that alone does not reach it, and let it go on with all that came meanwhile")
    func cutOff() async throws {
        let redis = try await RedisProcess()
        try redis.command("ACL", "SETUSER", "cut", "on", ">word", "~*", "+@all")
        try await run(
            2, redis,
            {
                guard $0 == 0 else { return }
                $1.redis.username = "cut"
                $1.redis.password = SecretText("word")
            }
        ) { cluster in
            let publisher = try await publish("demo", to: cluster[0])
            try redis.command("ACL", "SETUSER", "cut", "off")
            try redis.command("CLIENT", "KILL", "USER", "cut")
            try await eventually("it is fenced") {
                cluster.keepHouse()
                return cluster[0].metric("millrace_redis_fenced") == 1
            }
            #expect(cluster[1].metric("millrace_redis_fences_total") == 0)
            let before = try await cluster[0].ask("/live/demo/main/media.m3u8").text
            try await publisher.send(from: .milliseconds(3050), to: .milliseconds(5050), of: .seconds)
            let refused = try await RTMPPeer.connect(cluster[0].rtmpPort, .publish, name: "late")
            try await eventually("no new stream begins") { refused.story.refusal != nil }
            #expect(try await cluster[0].ask("/live/demo/main/media.m3u8").text == before)
            #expect(try await cluster[0].ask("/health").text.contains("nothing is appended"))
            try redis.command("ACL", "SETUSER", "cut", "on")
            try await eventually("it goes on") {
                cluster.keepHouse()
                return try await cluster[0].ask("/live/demo/main/media.m3u8").text != before
            }
            #expect(cluster[0].metric("millrace_redis_fences_total") == 1)
            #expect(cluster[0].metric("millrace_redis_fenced") == 0)
        }
    }

    @Test("give a stream up whose term another has a higher one of, and take one above that for a newer publisher")
    func outdone() async throws {
        let redis = try await RedisProcess()
        try await run(2, redis) { cluster in
            let publisher = try await publish("demo", to: cluster[0])
            let higher = String(repeating: "0", count: 4) + String(repeating: "f", count: 12) + "00000000"
            try redis.command("SET", "millrace:millrace:term:{live/demo}", higher)
            try redis.command("SET", "millrace:millrace:lease:{live/demo}", "n1", "PX", "60000")
            try await eventually("its publisher is sent away") {
                cluster.keepHouse()
                return publisher.story.isClosed
            }
            #expect(cluster[0].metric("millrace_redis_leases_lost_total") == 1)
            _ = try await publish("demo", to: cluster[0])
            #expect(cluster[0].metric("millrace_redis_claims_total", "refused") == 1)
            #expect(cluster[0].metric("millrace_redis_claims_total", "granted") == 2)
            #expect(try await number(term(of: "demo", on: cluster[0])) == 0x1_0000_0000_0000)
        }
    }

    private func number(_ term: String) -> UInt64 { UInt64(term.prefix { $0 != "-" }, radix: 16) ?? 0 }
}
