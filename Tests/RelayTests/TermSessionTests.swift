// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Relay
import TestKit
import Testing

@Suite("Who takes a term")
struct TermSessionTests {
    private static let peers = ["a", "b", "c"].compactMap { NodeID(parsing: $0) }
    private static let former = Term(number: 1000, salt: 1)
    private var random = SeededRandom(seed: 7)

    private func session(
        _ purpose: TermSession.Purpose = .publishing, held: UInt64? = nil, quorum: Int = 0, peers: [NodeID] = peers,
        essential: Set<NodeID> = [], isHolder: Bool = false
    ) -> TermSession {
        TermSession(
            RelayNode.stream, for: purpose, asking: peers, essential: essential, isHolder: isHolder,
            held: held.map(Self.at),
            commit: held.map { _ in commit(4) },
            quorum: TermSession.Quorum(count: quorum, voters: Set(Self.peers.prefix(2))), settings: RelaySettings())
    }

    private static func at(_ number: UInt64) -> FeedPosition { FeedPosition(term: former, number: number) }

    private func commit(_ msn: MediaSequenceNumber) -> CommitTracker.Commit {
        CommitTracker.Commit(position: Self.at(1), part: PartPosition(msn: msn, part: 0))
    }

    private func answer(_ term: Term, holds number: UInt64?, listed msn: MediaSequenceNumber? = nil) -> TermAnswer {
        TermAnswer(
            stream: RelayNode.stream, term: term, next: number.map(Self.at), commit: msn.map(commit))
    }

    /// Begins, and is granted the term.
    private mutating func ask(_ session: inout TermSession, unixTime: UInt64 = 2000) throws -> Term {
        let begun = session.begin(above: Self.former, unixTime: unixTime, using: &random)
        let term = try #require(session.term)
        #expect(begun == [.claim(term)] && term > Self.former)
        let asked = session.claimed(term, now: .zero)
        #expect(asked == [.ask(term)])
        return term
    }

    @Test("goes on from what it holds where nobody holds more, and knows what anybody listed")
    mutating func own() throws {
        var session = session(held: 50)
        let term = try ask(&session)
        #expect(session.answered(answer(term, holds: 50, listed: 9), by: Self.peers[1], now: .zero).isEmpty)
        #expect(session.answered(answer(term, holds: nil), by: Self.peers[0], now: .zero).isEmpty)
        let last = session.answered(answer(term, holds: 20, listed: 6), by: Self.peers[2], now: .zero)
        #expect(last == [.begin(Succession(term: term, listed: 9))])
    }

    @Test("asks again where it begins only long after others have promised, as they may list more by then")
    mutating func late() throws {
        var session = session(held: 10)
        let term = try ask(&session)
        for node in Self.peers.dropLast() {
            #expect(session.answered(answer(term, holds: 10), by: node, now: .zero).isEmpty)
        }
        let last = session.answered(answer(term, holds: 40), by: Self.peers[2], now: .zero)
        #expect(last == [.fetch(from: Self.peers[2], to: Self.at(40))])
        for second in 1...7 {
            #expect(session.fetched(Self.at(10 + UInt64(second)), now: .seconds(second)).isEmpty)
        }
        #expect(session.fetched(Self.at(40), now: .seconds(8)) == [.ask(term)])
        for node in Self.peers.dropLast() {
            #expect(session.answered(answer(term, holds: 40, listed: 12), by: node, now: .seconds(8)).isEmpty)
        }
        let again = session.answered(answer(term, holds: 40), by: Self.peers[2], now: .seconds(8))
        #expect(again == [.begin(Succession(term: term, listed: 12))])
    }

    @Test("is alone where there is nobody to ask")
    mutating func alone() throws {
        var session = session(peers: [])
        _ = session.begin(above: nil, unixTime: 5, using: &random)
        let term = try #require(session.term)
        #expect(term.number == 5)
        #expect(session.claimed(term, now: .zero) == [.begin(Succession(term: term))])
    }

    @Test("copies from the furthest, of equals from the first, and from the next best where that breaks off")
    mutating func fetches() throws {
        var session = session(held: 10)
        let term = try ask(&session)
        for (node, held) in zip(Self.peers, [30, 40, 40] as [UInt64]).dropLast() {
            #expect(session.answered(answer(term, holds: held), by: node, now: .zero).isEmpty)
        }
        let chosen = session.answered(answer(term, holds: 40), by: Self.peers[2], now: .zero)
        #expect(chosen == [.fetch(from: Self.peers[1], to: Self.at(40))])
        #expect(session.fetched(Self.at(35), now: .zero).isEmpty)
        #expect(session.unreachable(Self.peers[0], now: .zero).isEmpty)
        #expect(session.unreachable(Self.peers[1], now: .zero) == [.fetch(from: Self.peers[2], to: Self.at(40))])
        #expect(session.fetched(Self.at(40), now: .zero) == [.begin(Succession(term: term, listed: 4))])
    }

    @Test("asks again where a copy breaks off and nobody else holds as much, and goes on without who answers no more")
    mutating func asksAgain() throws {
        var session = session(held: 10)
        let term = try ask(&session)
        _ = session.answered(answer(term, holds: 40, listed: 9), by: Self.peers[0], now: .zero)
        _ = session.answered(answer(term, holds: 30), by: Self.peers[1], now: .zero)
        let chosen = session.unreachable(Self.peers[2], now: .zero)
        #expect(chosen == [.fetch(from: Self.peers[0], to: Self.at(40))])
        #expect(session.unreachable(Self.peers[0], now: .zero) == [.ask(term)])
        _ = session.unreachable(Self.peers[0], now: .zero)
        _ = session.answered(answer(term, holds: 30), by: Self.peers[1], now: .zero)
        let next = session.tick(now: .milliseconds(300))
        #expect(next == [.fetch(from: Self.peers[1], to: Self.at(30))])
        #expect(session.fetched(Self.at(30), now: .seconds(1)) == [.begin(Succession(term: term, listed: 9))])
    }

    @Test("never begins below what somebody holds who still answers")
    mutating func incomplete() throws {
        var session = session(held: 10, peers: [Self.peers[0]])
        let term = try ask(&session)
        var directives: [TermSession.Directive] = [.ask(term)]
        for _ in 0..<3 {
            #expect(directives == [.ask(term)])
            let chosen = session.answered(answer(term, holds: 40), by: Self.peers[0], now: .zero)
            #expect(chosen == [.fetch(from: Self.peers[0], to: Self.at(40))])
            directives = session.unreachable(Self.peers[0], now: .zero)
        }
        #expect(directives == [.yield(.incomplete)] && session.nextDeadline == nil)
    }

    @Test("lets a copy take its time as long as something comes")
    mutating func slowCopy() throws {
        var session = session(held: 10, peers: [Self.peers[0]])
        let term = try ask(&session)
        _ = session.answered(answer(term, holds: 40), by: Self.peers[0], now: .zero)
        for second in 1...9 {
            let now = Duration.seconds(4 * second)
            #expect(session.tick(now: now).isEmpty)
            #expect(session.fetched(Self.at(10 + UInt64(second)), now: now).isEmpty)
            #expect(session.fetched(Self.at(10 + UInt64(second)), now: now + .seconds(3)).isEmpty)
        }
        #expect(session.nextDeadline == .seconds(41))
        #expect(session.tick(now: .seconds(41)) == [.ask(term)])
    }

    @Test("has a copy when it holds as much as the furthest said")
    mutating func fetched() throws {
        var session = session()
        let term = try ask(&session)
        for node in Self.peers.dropLast() { #expect(session.unreachable(node, now: .zero).isEmpty) }
        let chosen = session.answered(answer(term, holds: 40), by: Self.peers[2], now: .zero)
        #expect(chosen == [.fetch(from: Self.peers[2], to: Self.at(40))])
        #expect(session.fetched(Self.at(41), now: .zero) == [.begin(Succession(term: term))])
        #expect(session.fetched(Self.at(50), now: .zero).isEmpty && session.nextDeadline == nil)
    }

    @Test("waits 300 ms for those who do not answer, and no longer")
    mutating func silence() throws {
        var session = session(held: 10)
        let term = try ask(&session)
        #expect(session.answered(answer(term, holds: 12), by: Self.peers[2], now: .zero).isEmpty)
        #expect(session.tick(now: .milliseconds(299)).isEmpty)
        let late = session.tick(now: .milliseconds(300))
        #expect(late == [.fetch(from: Self.peers[2], to: Self.at(12))])
        #expect(session.answered(answer(term, holds: 99), by: Self.peers[0], now: .milliseconds(301)).isEmpty)
    }

    @Test("waits two seconds for a gateway and a standby that are believed alive")
    mutating func essential() throws {
        var session = session(held: 10, essential: [Self.peers[0]])
        let term = try ask(&session)
        #expect(session.answered(answer(term, holds: 12), by: Self.peers[2], now: .zero).isEmpty)
        #expect(session.tick(now: .milliseconds(300)).isEmpty && session.tick(now: .milliseconds(1999)).isEmpty)
        var other = session
        var third = session
        let answered = session.answered(answer(term, holds: 20), by: Self.peers[0], now: .milliseconds(1999))
        #expect(answered == [.fetch(from: Self.peers[0], to: Self.at(20))])
        #expect(other.tick(now: .seconds(2)) == [.fetch(from: Self.peers[2], to: Self.at(12))])
        // It has become a suspect.
        third.essential = []
        #expect(third.tick(now: .seconds(1)) == [.fetch(from: Self.peers[2], to: Self.at(12))])
    }

    @Test(
        "waits only as long as a path may be silent for the one holder when the other has answered, or is the taker",
        arguments: [true, false])
    mutating func otherHolder(isTaker: Bool) throws {
        var session = session(held: 10, essential: isTaker ? [Self.peers[0]] : Set(Self.peers[..<2]), isHolder: isTaker)
        let term = try ask(&session)
        #expect(session.answered(answer(term, holds: 12), by: Self.peers[2], now: .zero).isEmpty)
        #expect(session.answered(answer(term, holds: 14), by: Self.peers[1], now: .zero).isEmpty)
        #expect(session.tick(now: .milliseconds(599)).isEmpty)
        var other = session
        #expect(session.tick(now: .milliseconds(600)) == [.fetch(from: Self.peers[1], to: Self.at(14))])
        let begun = session.fetched(Self.at(14), now: .milliseconds(650))
        #expect(begun == [.begin(Succession(term: term, listed: 4, unheard: [Self.peers[0]]))])
        // What it alone has is not lost where it is only late.
        let late = other.answered(answer(term, holds: 20), by: Self.peers[0], now: .milliseconds(599))
        #expect(late == [.fetch(from: Self.peers[0], to: Self.at(20))])
    }

    @Test("waits two seconds for anybody where it holds nothing itself, as a node does that was just started")
    mutating func ignorant() throws {
        var session = session()
        let term = try ask(&session)
        #expect(session.tick(now: .milliseconds(1999)).isEmpty)
        var alone = session
        #expect(alone.tick(now: .seconds(2)) == [.begin(Succession(term: term))])
        let heard = session.answered(answer(term, holds: 20), by: Self.peers[2], now: .milliseconds(1999))
        #expect(heard == [.fetch(from: Self.peers[2], to: Self.at(20))])
    }

    @Test("trusts no holder that has lost what it held, and none that has promised nothing")
    mutating func emptyHolder() throws {
        var session = session(held: 10, essential: Set(Self.peers[..<2]))
        let term = try ask(&session)
        #expect(session.answered(answer(term, holds: nil), by: Self.peers[1], now: .zero).isEmpty)
        #expect(session.answered(answer(term, holds: 12), by: Self.peers[2], now: .zero).isEmpty)
        #expect(session.tick(now: .milliseconds(1999)).isEmpty)
        #expect(session.tick(now: .seconds(2)) == [.fetch(from: Self.peers[2], to: Self.at(12))])
    }

    @Test("takes a term above whatever anybody knows where a publisher is here, and gives way where it only ends")
    mutating func higher() throws {
        let higher = Term(number: 9_000_000, salt: 3)
        var ending = session(.ending)
        _ = try ask(&ending)
        let outcome = ending.answered(answer(higher, holds: 1), by: Self.peers[0], now: .zero)
        #expect(outcome == [.yield(.higherTerm(higher))])
        var session = session()
        let first = try ask(&session)
        let again = session.answered(answer(higher, holds: 1), by: Self.peers[0], now: .zero)
        #expect(again == [.again(above: higher)])
        _ = session.begin(above: higher, unixTime: 2000, using: &random)
        let second = try #require(session.term)
        #expect(second > higher && session.claimed(first, now: .zero).isEmpty)
        #expect(session.claimed(second, now: .zero) == [.ask(second)])
        // An answer to the first question is none to the second, and nobody counts as heard by it.
        #expect(session.answered(answer(first, holds: 70), by: Self.peers[0], now: .zero).isEmpty)
        for node in Self.peers[1...] { _ = session.unreachable(node, now: .zero) }
        let last = session.answered(answer(second, holds: 80), by: Self.peers[0], now: .zero)
        #expect(last == [.fetch(from: Self.peers[0], to: Self.at(80))])
    }

    @Test("obeys the arbiter")
    mutating func arbiter() throws {
        let higher = Term(number: 9_000_000, salt: 3)
        var session = session()
        _ = session.begin(above: nil, unixTime: 1, using: &random)
        #expect(session.refused(for: higher) == [.again(above: higher)])
        var ending = self.session(.ending)
        _ = ending.begin(above: nil, unixTime: 1, using: &random)
        #expect(ending.refused(for: higher) == [.yield(.higherTerm(higher))])
    }

    @Test("gives up where two publishers outbid each other for ever")
    mutating func outbid() throws {
        var session = session()
        var yielded: [TermSession.Directive] = []
        for round in 1...20 where yielded.isEmpty {
            _ = session.begin(above: nil, unixTime: 1, using: &random)
            let higher = Term(number: UInt64(round) * 1000, salt: 0)
            if case .yield? = session.refused(for: higher).first { yielded = [.yield(.higherTerm(higher))] }
        }
        #expect(!yielded.isEmpty)
    }

    @Test("begins only with the promises of a quorum of origins", arguments: [(1, true), (2, true), (3, false)])
    mutating func quorum(count: Int, isEnough: Bool) throws {
        var session = session(quorum: count)
        let term = try ask(&session)
        _ = session.answered(answer(term, holds: nil), by: Self.peers[0], now: .zero)
        _ = session.answered(answer(term, holds: nil), by: Self.peers[2], now: .zero)
        let outcome = session.unreachable(Self.peers[1], now: .zero)
        #expect(outcome == (isEnough ? [.begin(Succession(term: term))] : [.yield(.tooFew(agreed: 2))]))
    }

    @Test("counts the promise of whoever can not be copied from")
    mutating func promise() throws {
        var session = session(held: 10, quorum: 2, peers: [Self.peers[0]])
        let term = try ask(&session)
        _ = session.answered(answer(term, holds: 40), by: Self.peers[0], now: .zero)
        #expect(session.unreachable(Self.peers[0], now: .zero) == [.ask(term)])
        #expect(session.unreachable(Self.peers[0], now: .zero) == [.begin(Succession(term: term, listed: 4))])
    }

    @Test("counts nobody twice, and no stranger")
    mutating func strangers() throws {
        var session = session(quorum: 2)
        let term = try ask(&session)
        let stranger = try #require(NodeID(parsing: "z"))
        #expect(session.answered(answer(term, holds: 99), by: stranger, now: .zero).isEmpty)
        for _ in 0..<3 { #expect(session.answered(answer(term, holds: 5), by: Self.peers[2], now: .zero).isEmpty) }
        #expect(session.tick(now: .seconds(1)) == [.yield(.tooFew(agreed: 1))])
    }
}
