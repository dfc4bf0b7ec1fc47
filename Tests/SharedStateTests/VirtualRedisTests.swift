// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import RedisKit
import SharedState
import TestKit
import Testing
import VirtualCluster

@Suite("The Redis of virtual clusters")
struct VirtualRedisTests {
    @Test("grants and refuses as the script does on a real server", arguments: 1...4 as ClosedRange<UInt64>)
    func rule(seed: UInt64) async throws {
        let redis = try await RedisProcess()
        let names = ["one", "two", "three"]
        let nodes = try names.map { try StoreHarness(redis, node: $0) { $0.leaseLife = .seconds(3600) } }
        var model = VirtualRedis()
        var (random, now) = (SeededRandom(seed: seed), Duration.zero)
        for step in 1...250 {
            let number = Int.random(in: 0..<nodes.count, using: &random)
            let (node, holder) = (nodes[number], try name(names[number]))
            // Few terms, so that they meet: also equal ones.
            let (term, other) = (Self.term(&random), Self.term(&random))
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<10:
                let known = Bool.random(using: &random) ? other : nil
                let answer = try await node.claim(term, knowing: known)
                let modelled = model.hold(term, by: holder, knowing: known, now: now)
                #expect(VirtualRedis.Answer(answer) == modelled, "seed \(seed), step \(step)")
            case 10..<15:
                let answer = try await node.renew(term)
                let lost = answer.lost[term].map { VirtualRedis.Answer.refused(highest: $0) }
                let modelled = model.hold(term, by: holder, knowing: term, now: now)
                #expect(lost ?? .granted == modelled, "seed \(seed), step \(step)")
            case 15..<17:
                try node.store.release(live("show"), term)
                _ = await node.renew([:])  // what was given back is told
                model.release(term, by: holder)
            case 17..<19:
                _ = try redis.command("DEL", "millrace:test:lease:{live/show}")
                now += VirtualRedis.leaseLife
            default:
                _ = try redis.command("FLUSHALL")
                model.flush()
            }
        }
        for node in nodes { await node.store.stop() }
    }

    private static func term(_ random: inout SeededRandom) -> Term {
        Term(number: UInt64.random(in: 1...4, using: &random), salt: UInt32.random(in: 1...2, using: &random))
    }
}

extension VirtualRedis.Answer {
    fileprivate init?(_ answer: LeaseAnswer) {
        switch answer {
        case .granted: self = .granted
        case .refused(let highest, _): self = .refused(highest: highest)
        case .unreachable: return nil
        }
    }
}

extension RenewalOutcome {
    /// The terms that are over, and those that count.
    fileprivate var lost: [Term: Term] {
        guard case .renewed(_, let leases) = self else { return [:] }
        return Dictionary(uniqueKeysWithValues: leases.map { ($0.term, $0.highest) })
    }
}
