// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import RedisKit
import SharedState
import TestKit
import Testing

/// Terms by their numbers.
private func term(_ number: UInt64, salt: UInt32 = 7) -> Term { Term(number: number, salt: salt) }

@Suite("A lease in Redis")
struct LeaseTests {
    @Test("is granted for a term above the stored one only")
    func rises() async throws {
        let redis = try await RedisProcess()
        let (one, two) = (try StoreHarness(redis), try StoreHarness(redis, node: "two"))
        #expect(try await one.claim(term(10)) == .granted)
        #expect(try await one.claim(term(10)) == .granted, "the same question again, its answer having been lost")
        #expect(try await one.claim(term(9, salt: .max)) == .refused(highest: term(10), holder: name("one")))
        #expect(try await one.claim(term(10, salt: 6)) == .refused(highest: term(10), holder: name("one")))
        #expect(try await two.claim(term(10), knowing: term(10)) == .refused(highest: term(10), holder: name("one")))
        #expect(try await one.claim(term(10, salt: 8)) == .granted)
        #expect(try await one.claim(term(.max, salt: .max)) == .granted)
        #expect(try await one.claim(term(.max)) == .refused(highest: term(.max, salt: .max), holder: name("one")))
        await one.store.stop()
        await two.store.stop()
    }

    @Test("that lives is taken over by whoever knows of it, and by nobody else")
    func takeover() async throws {
        let redis = try await RedisProcess()
        let (one, two) = (try StoreHarness(redis), try StoreHarness(redis, node: "two"))
        #expect(try await one.claim(term(10)) == .granted)
        #expect(try await two.claim(term(20)) == .refused(highest: term(10), holder: name("one")))
        #expect(try await two.claim(term(20), knowing: term(9)) == .refused(highest: term(10), holder: name("one")))
        #expect(try await two.claim(term(20), knowing: term(10)) == .granted)
        #expect(try await one.renew(term(10)).isRenewed(losing: [term(10): term(20)]))
        #expect(try await two.renew(term(20)).isRenewed())
        await one.store.stop()
        await two.store.stop()
    }

    @Test("ends without renewals, and when it is given back; its term stays known")
    func ends() async throws {
        let redis = try await RedisProcess()
        let one = try StoreHarness(redis) { $0.leaseLife = .milliseconds(60) }
        let two = try StoreHarness(redis, node: "two")
        #expect(try await one.claim(term(10)) == .granted)
        try await eventually("the lease ends") { try await two.claim(term(10, salt: 9)) == .granted }
        try two.store.release(live("show"), term(10))
        #expect(try await one.claim(term(11)) == .refused(highest: term(10, salt: 9), holder: name("two")))
        try two.store.release(live("show"), term(10, salt: 9))
        #expect(try await two.claim(term(9)) == .refused(highest: term(10, salt: 9), holder: nil))
        #expect(try await one.claim(term(11)) == .granted)
        #expect(try redis.command("PTTL", "millrace:test:term:{live/show}").count == 8, "a day, in milliseconds")
        await one.store.stop()
        await two.store.stop()
    }

    @Test("is renewed for all streams by one pipeline, and a lost one is told of")
    func renewals() async throws {
        let redis = try await RedisProcess()
        let (one, two) = (try StoreHarness(redis), try StoreHarness(redis, node: "two"))
        var held: [StreamID: Term] = [:]
        for number in 1...2000 { held[try live("\(number)")] = term(UInt64(number)) }
        #expect(await one.renew(held).isRenewed())
        #expect(await one.renew(held).isRenewed())
        #expect(try await two.claim(term(9000), knowing: term(77), of: live("77")) == .granted)
        #expect(await one.renew(held).isRenewed(losing: [term(77): term(9000)]))
        #expect(one.registry.counts("millrace_redis_answer_seconds_count") == 3)
        #expect(one.registry.counts("millrace_redis_leases_lost_total") == 1)
        await one.store.stop()
        await two.store.stop()
    }

    @Test("outlives that the server forgets everything, and terms go on upward")
    func flushed() async throws {
        let redis = try await RedisProcess()
        let (one, two) = (try StoreHarness(redis), try StoreHarness(redis, node: "two"))
        #expect(try await one.claim(term(1000)) == .granted)
        try redis.command("FLUSHALL")
        try redis.command("SCRIPT", "FLUSH")
        #expect(try await one.renew(term(1000)).isRenewed())
        #expect(try await two.claim(term(999)) == .refused(highest: term(1000), holder: name("one")))
        try redis.command("FLUSHALL")
        // What the claimer knows by gossip is its floor, so it proposes nothing below.
        #expect(try await two.claim(term(1001), knowing: term(1000)) == .granted)
        #expect(try await one.renew(term(1000)).isRenewed(losing: [term(1000): term(1001)]))
        await one.store.stop()
        await two.store.stop()
    }
}
