// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import Testing

@Suite("A node that is accused")
struct RefutationTests {
    @Test(
        "refutes with the larger of its own and the accused incarnation, plus one",
        arguments: [
            (accused: UInt64(999), own: UInt64(1000)), (1000, 1001), (1001, 1002), (5000, 5001),
            (1 << 62, 1000), (.max, 1000),
        ])
    func refutes(accused: UInt64, own: UInt64) {
        for rumour: Rumour in [
            .suspect(name(0), incarnation: accused, accuser: name(2)),
            .dead(name(0), incarnation: accused, accuser: name(2)), .left(name(0), incarnation: accused),
        ] {
            var pool = Pool(others: 3)
            pool.hear(rumour)
            #expect(pool.membership.own.incarnation == own)
            #expect(pool.membership.health == (own > 1000 ? 1 : 0))
            pool.pass(.milliseconds(100))
            let told = pool.sent.flatMap(\.datagram.rumours).contains { $0 == .alive(description(0), incarnation: own) }
            #expect(told == (own > 1000))
        }
    }

    @Test("beats all rumours of its last life when it starts again")
    func restarts() {
        var pool = Pool(others: 3)
        pool.hear(.suspect(name(2), incarnation: 100, accuser: name(3)))
        pool.pass(.seconds(20))
        #expect(pool.health(2) == .dead)
        pool.hear(.alive(description(2), incarnation: 200))
        #expect(pool.health(2) == .alive)
        pool.hear(.dead(name(2), incarnation: 100, accuser: name(3)))
        #expect(pool.health(2) == .alive)
    }

    @Test("does not refute that it leaves")
    func leaves() {
        var pool = Pool(others: 3)
        pool.membership.leave(now: pool.now, into: &pool.directives)
        pool.hear(.left(name(0), incarnation: 1000), .suspect(name(0), incarnation: 1000, accuser: name(2)))
        #expect(pool.membership.own.incarnation == 1000)
    }
}

@Suite("What is believed of a member")
struct OrderTests {
    /// Everything that can be said of member 2 in incarnations 100 and 101, in the order in which it overrides.
    static let rumours: [Rumour] = [100, 101].flatMap { incarnation -> [Rumour] in
        [
            .alive(description(2), incarnation: incarnation),
            .suspect(name(2), incarnation: incarnation, accuser: name(3)),
            .left(name(2), incarnation: incarnation),
        ]
    }

    @Test("is the same in whatever order two rumours come", arguments: rumours.indices, rumours.indices)
    func order(first: Int, second: Int) {
        var pool = Pool(others: 4)
        pool.hear(Self.rumours[first], Self.rumours[second])
        let expected = max(first, second)
        #expect(pool.health(2) == [.alive, .suspect, .left][expected % 3] || first == 2 && second == 4)
        #expect(pool.membership.member(name(2))?.incarnation == UInt64(100 + expected / 3) || first == 2 && second == 4)
    }

    @Test("is nothing where the member was never heard of")
    func unknown() {
        var pool = Pool(others: 2)
        pool.hear(
            .suspect(name(9), incarnation: 5, accuser: name(1)), .dead(name(9), incarnation: 5, accuser: name(1)),
            .left(name(9), incarnation: 5))
        #expect(pool.membership.member(name(9)) == nil)
    }

    @Test("is told to others once it is new, and not again")
    func spreads() {
        var pool = Pool(others: 3)
        pool.pass(.seconds(10))
        let before = pool.membership.rumours.waiting
        pool.hear(.alive(description(7), incarnation: 5))
        #expect(pool.membership.rumours.waiting == before + 1)
        pool.pass(.seconds(10))
        let after = pool.membership.rumours.waiting
        pool.hear(.alive(description(7), incarnation: 5))
        #expect(pool.membership.rumours.waiting == after)
    }
}
