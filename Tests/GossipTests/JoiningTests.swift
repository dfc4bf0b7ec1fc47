// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import Testing

@Suite("Joining")
struct JoiningTests {
    @Test("asks for seeds at once, then after random times up to 15 s, for ever")
    func backsOff() {
        var pool = Pool()
        var times: [Duration] = []
        while pool.now < .seconds(200) {
            pool.directives = []
            pool.pass(.milliseconds(10))
            times += pool.directives.compactMap { if case .findSeeds = $0 { pool.now } else { nil } }
        }
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(times.first == .milliseconds(10))
        #expect(gaps.prefix(3).allSatisfy { $0 <= .seconds(2) })
        #expect(gaps.allSatisfy { $0 <= .milliseconds(15010) })
        #expect(gaps.contains { $0 > .seconds(5) })
    }

    @Test("asks at most three seeds at a time, and not itself")
    func seeds() {
        var pool = Pool()
        pool.membership.found(
            seeds: (0..<8).map { endpoint($0) }, using: &pool.random, into: &pool.directives)
        let opened = pool.directives.compactMap { directive -> Endpoint? in
            if case .open(_, let to, .digest(_, _, true)) = directive { to } else { nil }
        }
        #expect(opened.count == 3)
        #expect(Set(opened).count == 3)
        #expect(!opened.contains(endpoint(0)))
    }

    @Test("takes the seed's state and gives its own")
    func joins() {
        var pool = Pool()
        let members = (1...5).map { Member(description: description($0), incarnation: 7, health: .alive) }
        pool.hear(.state(members: members, streams: [], regions: [], keys: [], isAnswer: false), on: .opened(1))
        #expect(pool.membership.liveCount == 6)
        #expect(
            pool.directives.contains {
                if case .writeState(isAnswer: true, on: .opened(1)) = $0 { true } else { false }
            })
    }

    @Test("ends with a word where equal states meet, and with all of it where they differ")
    func digests() {
        var pool = Pool(others: 4)
        let digest = pool.membership.digest
        pool.hear(.digest(members: digest, directory: 0, isJoin: false), on: .accepted(1))
        #expect(pool.written == [.digest(members: digest, directory: 0, isJoin: false)])
        pool.directives = []
        pool.hear(.digest(members: digest, directory: 1, isJoin: false), on: .accepted(2))
        #expect(
            pool.directives.contains {
                if case .writeState(isAnswer: false, on: .accepted(2)) = $0 { true } else { false }
            })
    }

    @Test("takes a death in another's state for a suspicion")
    func deadInState() {
        var pool = Pool(others: 4)
        let dead = Member(description: description(2), incarnation: 100, health: .dead)
        pool.hear(.state(members: [dead], streams: [], regions: [], keys: [], isAnswer: true), on: .accepted(1))
        #expect(pool.health(2) == .suspect)
    }
}

@Suite("A name that is taken")
struct NameTests {
    @Test("keeps a newcomer out, who learns whose it is")
    func newcomer() {
        var pool = Pool()
        let owner = Member(description: description(0, at: 50), incarnation: 7, health: .alive)
        let other = Member(description: description(1), incarnation: 7, health: .alive)
        pool.hear(.state(members: [other, owner], streams: [], regions: [], keys: [], isAnswer: false), on: .opened(1))
        #expect(pool.reports == [.nameTaken(by: endpoint(50))])
        #expect(pool.membership.liveCount == 1)
    }

    @Test("is refused to who comes with it")
    func refusal() {
        var pool = Pool(others: 3)
        let other = Member(description: description(2, at: 50), incarnation: 900, health: .alive)
        pool.hear(.state(members: [other], streams: [], regions: [], keys: [], isAnswer: true), on: .accepted(1))
        #expect(pool.written.contains { if case .refusal = $0 { true } else { false } })
        #expect(pool.membership.member(name(2))?.description.gossip == endpoint(2))
    }

    @Test("stays with the established until that one is gone, and is reported")
    func contender() {
        var pool = Pool(others: 3)
        pool.hear(.alive(description(2, at: 50), incarnation: 900))
        #expect(pool.reports == [.nameConflict(name(2), established: endpoint(2), other: endpoint(50))])
        #expect(pool.membership.member(name(2))?.description.gossip == endpoint(2))
        pool.hear(.left(name(2), incarnation: 100))
        #expect(pool.membership.member(name(2))?.description.gossip == endpoint(50))
        #expect(pool.health(2) == .alive)
    }

    @Test("is free where its owner is dead or gone")
    func free() {
        var pool = Pool(others: 3)
        pool.hear(.left(name(2), incarnation: 100))
        pool.hear(.alive(description(2, at: 50), incarnation: 900))
        #expect(pool.membership.member(name(2))?.description.gossip == endpoint(50))
        #expect(pool.reports.isEmpty)
    }
}

@Suite("Leaving")
struct LeavingTests {
    @Test("is told until it was told often enough, and ends within two seconds")
    func leaves() {
        var pool = Pool(others: 4)
        pool.membership.leave(now: pool.now, into: &pool.directives)
        let begin = pool.now
        let left: Bool? = pool.pass(
            until: { if case .hasLeft = $0 { true } else { nil } }, within: .seconds(5))
        #expect(left == true)
        #expect(pool.now - begin <= .seconds(2))
        #expect(pool.membership.nextDeadline > .seconds(1_000_000))
    }

    @Test("is believed at once by those who hear it")
    func believed() {
        var pool = Pool(others: 4)
        pool.hear(.left(name(2), incarnation: 100))
        #expect(pool.health(2) == .left)
    }

    @Test("announced by draining is a new incarnation")
    func drains() {
        var pool = Pool(others: 4)
        var draining = description(0)
        draining.isDraining = true
        pool.membership.set(draining, now: pool.now, into: &pool.directives)
        #expect(pool.membership.own.incarnation == 1001)
        pool.membership.set(draining, now: pool.now, into: &pool.directives)
        #expect(pool.membership.own.incarnation == 1001)
    }
}
