// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Asks whether a term still is the highest, for a gateway that lost time: two members that know of no higher one open its
/// gate again, or all it believes alive where they are fewer, and whoever else is asked has one round to object:
/// ``RelaySettings/termTimeout``, or less where all answer. So does one whose standby is silent, of all who may have
/// promised its stream to somebody else. An answer is one to a question, so none is older than it.
public struct TermConfirmation: Sendable {
    /// What is to be done.
    public enum Directive: Hashable, Sendable {
        /// Ask all peers: call `answered` for each that answers.
        case ask(Term)
        /// The term is the highest: go on.
        case confirm
        /// Too few answer: look again who is believed alive, and begin anew.
        case unheard
        /// A higher one is known: stop for good.
        case yield(Term)
    }

    /// Those who answered and know of no higher term.
    public private(set) var agreed: Set<NodeID> = []

    private let term: Term
    private let need: Need
    private let mostRounds: Int
    private let settings: RelaySettings
    private var rounds = 0
    private var isOver = false

    /// Who must agree.
    private enum Need {
        /// Everybody, or when a round is over those without whom it can not be.
        case all(Set<NodeID>, atLeast: Set<NodeID>)
        /// All that are asked, or when a round is over so many, whoever they are.
        case some(Int, of: Int)
    }

    /// When `tick` asks again; nil once it is over.
    public private(set) var nextDeadline: Duration?

    /// A question to come.
    /// - Parameter peers: how many members are asked: all who are believed alive and would know, or some of them.
    public init(_ term: Term, peers: Int, settings: RelaySettings) {
        self.term = term
        self.settings = settings
        need = .some(min(peers, 2), of: peers)
        // A second and a half: meanwhile those who do not answer may have become suspects.
        mostRounds = 5
    }

    /// A question that all `peers` are to answer, and soon: whether one of them has promised a higher term to somebody.
    /// - Parameter required: those of them without whom nothing is confirmed. The others have one round,
    ///   ``RelaySettings/termTimeout``, to object.
    public init(_ term: Term, byAll peers: Set<NodeID>, atLeast required: Set<NodeID>, settings: RelaySettings) {
        self.term = term
        self.settings = settings
        need = .all(peers, atLeast: required.intersection(peers))
        mostRounds = 2
    }

    /// Begins, and asks again those who did not answer.
    public mutating func tick(now: Duration) -> [Directive] {
        guard !isOver, now >= nextDeadline ?? now else { return [] }
        guard !isEnough(after: rounds) else { return end(.confirm) }
        guard rounds < mostRounds else { return end(.unheard) }
        rounds += 1
        nextDeadline = now + settings.termTimeout
        return [.ask(term)]
    }

    /// A peer has answered.
    public mutating func answered(_ answer: TermAnswer, by node: NodeID) -> [Directive] {
        guard !isOver else { return [] }
        guard answer.term <= term else { return end(.yield(answer.term)) }
        agreed.insert(node)
        return isEnough(after: rounds - 1) ? end(.confirm) : []
    }

    /// Whether enough have answered, so many rounds being over.
    private func isEnough(after rounds: Int) -> Bool {
        switch need {
        case .all(let peers, let required): agreed.isSuperset(of: rounds > 0 ? required : peers)
        case .some(let count, let all): agreed.count >= (rounds > 0 ? count : all)
        }
    }

    private mutating func end(_ directive: Directive) -> [Directive] {
        isOver = true
        nextDeadline = nil
        return [directive]
    }
}
