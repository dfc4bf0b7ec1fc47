// SPDX-License-Identifier: Apache-2.0

import Identity
import Relay
import Testing

@Suite("Who doubts its term")
struct TermConfirmationTests {
    private static let term = Term(number: 1000, salt: 1)
    private static let nodes = ["a", "b", "c"].compactMap { NodeID(parsing: $0) }

    private func answer(_ term: Term) -> TermAnswer {
        TermAnswer(stream: RelayNode.stream, term: term, next: nil, commit: nil)
    }

    @Test("goes on when all have answered, or after 300 ms when two have", arguments: [0, 1, 2, 3, 50])
    func confirms(peers: Int) {
        var confirmation = TermConfirmation(Self.term, peers: peers, settings: RelaySettings())
        var directives = confirmation.tick(now: .zero)
        var answers = 0
        while directives == [.ask(Self.term)] || directives.isEmpty, answers < 3 {
            directives = confirmation.answered(answer(Self.term), by: Self.nodes[answers])
            answers += 1
        }
        #expect(answers == min(3, peers))
        if peers > answers {
            #expect(directives.isEmpty)
            directives = confirmation.tick(now: .milliseconds(300))
        }
        #expect(directives == [.confirm] && confirmation.nextDeadline == nil)
    }

    @Test("needs two who answer, not one who answers twice, and asks the others again")
    func twice() {
        var confirmation = TermConfirmation(Self.term, peers: 3, settings: RelaySettings())
        #expect(confirmation.tick(now: .zero) == [.ask(Self.term)])
        for _ in 0..<2 { #expect(confirmation.answered(answer(Self.term), by: Self.nodes[0]).isEmpty) }
        #expect(confirmation.tick(now: .milliseconds(299)).isEmpty)
        #expect(confirmation.tick(now: .milliseconds(300)) == [.ask(Self.term)])
        #expect(confirmation.answered(answer(Self.term), by: Self.nodes[2]) == [.confirm])
        #expect(confirmation.answered(answer(Self.term), by: Self.nodes[1]).isEmpty)
    }

    @Test("hears who objects although two others have agreed")
    func objection() {
        let higher = Term(number: 1000, salt: 2)
        var confirmation = TermConfirmation(Self.term, peers: 3, settings: RelaySettings())
        #expect(confirmation.tick(now: .zero) == [.ask(Self.term)])
        for node in Self.nodes[..<2] { #expect(confirmation.answered(answer(Self.term), by: node).isEmpty) }
        #expect(confirmation.answered(answer(higher), by: Self.nodes[2]) == [.yield(higher)])
    }

    @Test("stops at the first higher term")
    func higher() {
        let higher = Term(number: 1000, salt: 2)
        var confirmation = TermConfirmation(Self.term, peers: 3, settings: RelaySettings())
        _ = confirmation.tick(now: .zero)
        #expect(confirmation.answered(answer(higher), by: Self.nodes[0]) == [.yield(higher)])
        #expect(confirmation.tick(now: .seconds(9)).isEmpty)
    }

    private func confirmation(needing required: [NodeID]) -> TermConfirmation {
        TermConfirmation(
            Self.term, byAll: Set(Self.nodes), atLeast: Set(required), settings: RelaySettings())
    }

    @Test("asks everybody where it must know of every promise, and waits 600 ms for who does not answer")
    func all() {
        var confirmation = confirmation(needing: Self.nodes)
        #expect(confirmation.tick(now: .zero) == [.ask(Self.term)])
        for node in Self.nodes[..<2] { #expect(confirmation.answered(answer(Self.term), by: node).isEmpty) }
        var silent = confirmation
        var better = confirmation
        #expect(confirmation.answered(answer(Self.term), by: Self.nodes[2]) == [.confirm])
        let higher = Term(number: 1000, salt: 2)
        #expect(better.answered(answer(higher), by: Self.nodes[2]) == [.yield(higher)])
        #expect(silent.tick(now: .milliseconds(300)) == [.ask(Self.term)])
        #expect(silent.tick(now: .milliseconds(600)) == [.unheard])
    }

    @Test("goes on after 300 ms without those who need not answer, who may object until then")
    func required() {
        var confirmation = confirmation(needing: Array(Self.nodes[..<2]))
        #expect(confirmation.tick(now: .zero) == [.ask(Self.term)])
        #expect(confirmation.answered(answer(Self.term), by: Self.nodes[0]).isEmpty)
        var late = confirmation
        #expect(confirmation.answered(answer(Self.term), by: Self.nodes[1]).isEmpty)
        var object = confirmation
        var all = confirmation
        #expect(confirmation.tick(now: .milliseconds(299)).isEmpty)
        #expect(confirmation.tick(now: .milliseconds(300)) == [.confirm])
        #expect(confirmation.agreed == Set(Self.nodes[..<2]))
        let higher = Term(number: 1000, salt: 2)
        #expect(object.answered(answer(higher), by: Self.nodes[2]) == [.yield(higher)])
        #expect(all.answered(answer(Self.term), by: Self.nodes[2]) == [.confirm])
        // One that is needed answers in the second round.
        #expect(late.tick(now: .milliseconds(300)) == [.ask(Self.term)])
        #expect(late.answered(answer(Self.term), by: Self.nodes[1]) == [.confirm])
    }

    @Test("needs nobody where there is nobody, and where none is needed gives all the time to object")
    func nobody() {
        var alone = TermConfirmation(Self.term, byAll: [], atLeast: [], settings: RelaySettings())
        #expect(alone.tick(now: .zero) == [.confirm])
        var confirmation = confirmation(needing: [])
        #expect(confirmation.tick(now: .zero) == [.ask(Self.term)])
        #expect(confirmation.tick(now: .milliseconds(300)) == [.confirm])
    }

    @Test("gives up after a while, so that whoever died meanwhile is not asked again")
    func unheard() {
        var confirmation = TermConfirmation(Self.term, peers: 3, settings: RelaySettings())
        var last: [TermConfirmation.Directive] = []
        var now: Duration = .zero
        while last != [.unheard], now < .seconds(10) {
            last = confirmation.tick(now: now)
            now += .milliseconds(100)
        }
        #expect(now == .milliseconds(1600))
    }
}
