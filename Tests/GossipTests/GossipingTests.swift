// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import Testing

@Suite("News")
struct GossipingTests {
    @Test(
        "are told ceil(3 ln(n + 1)) times by a node",
        arguments: [(members: 2, limit: 4), (10, 8), (50, 12), (200, 16), (1000, 21)])
    func limit(members: Int, limit: Int) {
        var pool = Pool(others: members - 1)
        _ = pool.live(for: .seconds(600), until: { $0.membership.rumours.waiting == 0 })
        #expect(pool.membership.rumours.waiting == 0)
        #expect(pool.membership.rumours.limit == limit)
        let entry = stream(1)
        pool.membership.spread(.stream(entry), now: pool.now)
        var told = 0
        for _ in 0..<100 {
            pool.directives = []
            pool.pass(.milliseconds(100))
            told += pool.sent.flatMap(\.datagram.rumours).count { $0 == .stream(entry) }
        }
        #expect(told == limit)
    }

    @Test("go in order: members, then streams, then regions, and of each the least told first")
    func order() throws {
        var pool = Pool(others: 3)
        pool.pass(.seconds(30))
        pool.directives = []
        pool.membership.spread(.region(region(1)), now: pool.now)
        pool.membership.spread(.stream(stream(1)), now: pool.now)
        pool.hear(.ping(sequence: 1, target: name(0)))
        pool.membership.spread(.stream(stream(2)), now: pool.now)
        pool.hear(.alive(description(9), incarnation: 5))
        pool.directives = []
        pool.hear(.ping(sequence: 2, target: name(0)))
        let rumours = try #require(pool.sent.first).datagram.rumours
        let own = rumours.filter { if case .suspect = $0 { false } else { true } }
        #expect(
            own.suffix(4) == [
                .alive(description(9), incarnation: 5), .stream(stream(2)), .stream(stream(1)), .region(region(1)),
            ])
    }

    @Test("are told at once where nothing was told for an interval, and then once an interval")
    func promptly() {
        var pool = Pool(others: 9)
        _ = pool.live(for: .seconds(60), until: { $0.membership.rumours.waiting == 0 })
        pool.pass(.milliseconds(200))
        pool.membership.spread(.stream(stream(1)), now: pool.now)
        #expect(pool.membership.nextDeadline == pool.now)
        pool.membership.tick(now: pool.now, using: &pool.random, into: &pool.directives)
        pool.membership.spread(.stream(stream(2)), now: pool.now)
        pool.directives = []
        pool.pass(.milliseconds(99))
        #expect(!pool.sent.contains { $0.datagram.message == nil })
        pool.pass(.milliseconds(1))
        #expect(pool.sent.count { $0.datagram.message == nil } == 3)
    }

    @Test("replace older ones about the same subject")
    func replaced() {
        var pool = Pool(others: 2)
        pool.pass(.seconds(1))
        let waiting = pool.membership.rumours.waiting
        pool.hear(.alive(description(9), incarnation: 5))
        pool.hear(.suspect(name(9), incarnation: 5, accuser: name(1)))
        #expect(pool.membership.rumours.waiting <= waiting + 1)
    }

    @Test("never make a datagram of over 1400 bytes, and all are told in the end")
    func size() {
        var pool = Pool(others: 300)
        var told: Set<NodeID> = []
        for _ in 0..<400 {
            pool.directives = []
            pool.pass(.milliseconds(50))
            for (datagram, _) in pool.sent {
                #expect(datagram.sealedSize <= Membership.largestDatagram)
                for case .alive(let description, _) in datagram.rumours { told.insert(description.id) }
            }
        }
        #expect(told.count >= 300)
    }

    private func stream(_ number: Int) -> StreamEntry {
        guard let id = try? StreamID(parsing: "live/s\(number)") else { preconditionFailure("no stream") }
        return StreamEntry(
            stream: id, term: Term(number: 1, salt: 1), gateway: name(1), region: .local, state: .live, publisher: 0)
    }

    private func region(_ time: UInt64) -> RegionSummary {
        guard let region = Region(parsing: "far") else { preconditionFailure("no region") }
        return RegionSummary(region: region, speaker: name(1), time: time, routers: [], doors: [], capacity: 1, load: 0)
    }
}
