// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity

/// Takes a term of one stream: claims it, asks who holds what, has that fetched which is missing, and says when the term
/// begins (docs/decisions/0020).
///
/// It is in one of five states. *New*: leads to claiming by `begin`. *Claiming*: the arbiter was asked; leads to asking, to
/// new where a higher term is known, and to over. *Asking*: peers were asked; leads to fetching, new and over. *Fetching*:
/// the furthest answer is being copied; leads to over, stays and takes the next that holds as much, or leads to asking again,
/// where nobody else does: only who answers no more is left behind. *Over*: no exit.
public struct TermSession: Sendable {
    /// Why the term is taken, which says what becomes of it when somebody else has a higher one.
    public enum Purpose: Hashable, Sendable {
        /// To append `end`: gives way to any higher term.
        case ending
        /// A publisher is here: it is the newest, so takes a term above.
        case publishing
    }

    /// What is to be done.
    public enum Directive: Hashable, Sendable {
        /// Call `begin` again, for a term above this one.
        case again(above: Term)
        /// Ask all peers, anew where they were asked for another term: call `answered` or `unreachable` for each.
        case ask(Term)
        /// The term has begun: append.
        case begin(Succession)
        /// Ask the arbiter: call `claimed` or `refused`.
        case claim(Term)
        /// Copy all up to this position from a peer: call `fetched` or `unreachable`.
        case fetch(from: NodeID, to: FeedPosition)
        /// Give up.
        case yield(TermFailure)
    }

    /// The stream.
    public let stream: StreamID
    /// The term that is being taken; nil before `begin`.
    public private(set) var term: Term?
    /// Those who are waited for longer than others, as what was listed may be held by nobody else: the stream's gateway and
    /// standby, as long as they are believed alive. A change counts from the next `tick`.
    public var essential: Set<NodeID>

    /// The gateway and the standby other than this node, as far as they were believed alive at the beginning.
    private let holders: Set<NodeID>
    private let isHolder: Bool
    private let purpose: Purpose
    private let peers: [NodeID]
    private let quorum: Quorum
    private let settings: RelaySettings
    private var phase = Phase.new
    private var answers: [NodeID: TermAnswer] = [:]
    /// Who refuses terms below this one, reachable or not any more.
    private var promised: Set<NodeID> = []
    private var awaited: Set<NodeID> = []
    /// From whom copying failed since all were asked last.
    private var broken: Set<NodeID> = []
    private var failedCopies = 0
    private var held: FeedPosition?
    private var listed: MediaSequenceNumber?
    private var rounds = 0
    /// When those were asked whose promises count.
    private var askedAt: Duration = .zero

    private enum Phase {
        case new, claiming, over
        case asking(since: Duration)
        case fetching(from: NodeID, to: FeedPosition, until: Duration)
    }

    /// How many of whom must agree to a term.
    public struct Quorum: Hashable, Sendable {
        /// How many, the taker among them; 0 where nobody need.
        public let count: Int
        /// Those whose promise counts: the origins.
        public let voters: Set<NodeID>

        /// A quorum of its parts.
        public init(count: Int = 0, voters: Set<NodeID> = []) {
            self.count = count
            self.voters = voters
        }
    }

    /// A term to be taken.
    /// - Parameters:
    ///   - peers: who is asked; of two that hold the same the first is taken from.
    ///   - essential: see ``essential``.
    ///   - isHolder: whether this node itself is the gateway or the standby, with what was acknowledged.
    ///   - held: the first record that this node does not have, where it has any.
    ///   - commit: what this node knows to be committed.
    public init(
        _ stream: StreamID, for purpose: Purpose, asking peers: [NodeID], essential: Set<NodeID> = [],
        isHolder: Bool = false, held: FeedPosition? = nil, commit: CommitTracker.Commit? = nil,
        quorum: Quorum = Quorum(),
        settings: RelaySettings
    ) {
        self.stream = stream
        self.purpose = purpose
        self.peers = peers
        self.essential = essential
        holders = essential
        self.isHolder = isHolder
        self.held = held
        self.quorum = quorum
        self.settings = settings
        listed = commit?.part.msn
    }

    /// From when on `tick` may have something to do; nil for never. Call it every few tens of milliseconds from then on.
    public var nextDeadline: Duration? {
        switch phase {
        case .asking(let since): since + settings.termTimeout
        case .fetching(_, _, let until): until
        case .claiming, .new, .over: nil
        }
    }
}

// MARK: - Events

extension TermSession {
    /// Begins, or begins again.
    /// - Parameters:
    ///   - known: the highest term known of the stream.
    ///   - unixTime: milliseconds since 1970.
    public mutating func begin(
        above known: Term?, unixTime: UInt64, using random: inout some RandomNumberGenerator
    ) -> [Directive] {
        guard case .new = phase else { return [] }
        let taken = Term.taken(above: [known, term].compactMap { $0 }.max(), now: unixTime, using: &random)
        term = taken
        rounds += 1
        phase = .claiming
        return [.claim(taken)]
    }

    /// The arbiter has no objection.
    public mutating func claimed(_ claimed: Term, now: Duration) -> [Directive] {
        guard case .claiming = phase, claimed == term else { return [] }
        promised = []
        askedAt = now
        return peers.isEmpty ? settle(now: now) : ask(claimed, now: now)
    }

    /// The arbiter knows of a higher term.
    public mutating func refused(for higher: Term) -> [Directive] {
        guard case .claiming = phase else { return [] }
        return outdone(by: higher)
    }

    /// A peer has answered.
    public mutating func answered(_ answer: TermAnswer, by node: NodeID, now: Duration) -> [Directive] {
        // An answer with a lower term is one to a question that was given up: it promises nothing of this one.
        guard case .asking = phase, answer.stream == stream, let term, answer.term >= term,
            awaited.remove(node) != nil
        else { return [] }
        guard answer.term == term else { return outdone(by: answer.term) }
        answers[node] = answer
        promised.insert(node)
        return settleWhenHeard(now: now)
    }

    /// A peer can not be reached, or broke off while it was copied from.
    public mutating func unreachable(_ node: NodeID, now: Duration) -> [Directive] {
        switch phase {
        case .asking: return awaited.remove(node) == nil ? [] : settleWhenHeard(now: now)
        case .fetching(node, _, _):
            broken.insert(node)
            return settle(now: now)
        case .claiming, .fetching, .new, .over: return []
        }
    }

    /// This node now holds all before `next`. A copy that goes on may take its time.
    public mutating func fetched(_ next: FeedPosition?, now: Duration) -> [Directive] {
        guard let next, held.map({ next > $0 }) ?? true else { return [] }
        held = next
        guard case .fetching(let node, let end, _) = phase else { return [] }
        failedCopies = 0
        phase = .fetching(from: node, to: end, until: now + settings.answerTimeout)
        return next >= end ? settle(now: now) : []
    }

    /// Does what is due.
    public mutating func tick(now: Duration) -> [Directive] {
        guard let nextDeadline, now >= nextDeadline else { return [] }
        if case .fetching(let node, _, _) = phase { return unreachable(node, now: now) }
        return settleWhenHeard(now: now)
    }
}

// MARK: - Choosing

extension TermSession {
    private mutating func outdone(by higher: Term) -> [Directive] {
        guard purpose == .publishing, rounds < Self.mostRounds else { return yield(.higherTerm(higher)) }
        phase = .new
        return [.again(above: higher)]
    }

    private mutating func ask(_ term: Term, now: Duration) -> [Directive] {
        answers = [:]
        broken = []
        awaited = Set(peers)
        phase = .asking(since: now)
        askedAt = now
        return [.ask(term)]
    }

    /// Settles where nobody is waited for any more.
    private mutating func settleWhenHeard(now: Duration) -> [Directive] {
        guard case .asking(let since) = phase else { return [] }
        let patience = hasHeardHolder ? settings.pathTimeout : settings.holderTimeout
        // Whoever holds nothing and has heard nobody can not tell a new stream from one that it forgot.
        let isIgnorant = held == nil && answers.isEmpty
        let patient = now < since + patience ? (isIgnorant ? awaited : awaited.intersection(essential)) : []
        guard (now < since + settings.termTimeout ? awaited : patient).isEmpty else { return [] }
        awaited = []
        return settle(now: now)
    }

    /// Whether one of the two is known who hold all that was listed: the other adds what is not listed, if it answers.
    private var hasHeardHolder: Bool { isHolder || holders.contains { answers[$0]?.next != nil } }

    /// All have answered who will: goes on from the furthest.
    private mutating func settle(now: Duration) -> [Directive] {
        guard let term else { return [] }
        let agreed = 1 + promised.intersection(quorum.voters).count
        guard agreed >= quorum.count else { return yield(.tooFew(agreed: agreed)) }
        for answer in answers.values {
            if let msn = answer.commit?.part.msn { listed = max(listed ?? msn, msn) }
        }
        let furthest = furthest(of: peers)
        guard let furthest else {
            // Who promised that long ago may soon list more than it said.
            guard now - askedAt < TermPromise.use else { return ask(term, now: now) }
            phase = .over
            let unheard = holders.filter { answers[$0] == nil }
            return [.begin(Succession(term: term, listed: listed, unheard: unheard))]
        }
        if let best = self.furthest(of: peers.filter({ !broken.contains($0) })), best.next == furthest.next {
            phase = .fetching(from: best.node, to: best.next, until: now + settings.answerTimeout)
            return [.fetch(from: best.node, to: best.next)]
        }
        // Without what they hold, the term would take back what was listed. If they are dead, they answer no more.
        failedCopies += 1
        return failedCopies < Self.mostCopies ? ask(term, now: now) : yield(.incomplete)
    }

    private mutating func yield(_ failure: TermFailure) -> [Directive] {
        phase = .over
        return [.yield(failure)]
    }

    /// The one of `nodes` that holds the most, where that is more than is held here.
    private func furthest(of nodes: [NodeID]) -> (node: NodeID, next: FeedPosition)? {
        var best: (node: NodeID, next: FeedPosition)?
        for node in nodes {
            guard let next = answers[node]?.next, next > best?.next ?? held ?? Self.nothing else { continue }
            best = (node, next)
        }
        return best
    }

    /// Before every record.
    private static let nothing = FeedPosition(term: Term(number: 0, salt: 0), number: 0)
    /// Two publishers with one name settle it in one round; more are a mistake somewhere.
    private static let mostRounds = 8
    /// How often copying may fail without a record, from those who still answer.
    private static let mostCopies = 3
}

/// A term that begins.
public struct Succession: Hashable, Sendable {
    /// The term.
    public let term: Term
    /// The highest number that anybody who was asked knew to be listed; nil where none did.
    public let listed: MediaSequenceNumber?
    /// The former gateway and standby where they were believed alive and have not answered.
    public let unheard: Set<NodeID>

    /// A succession of its parts.
    public init(term: Term, listed: MediaSequenceNumber? = nil, unheard: Set<NodeID> = []) {
        self.term = term
        self.listed = listed
        self.unheard = unheard
    }
}

/// Why a term was not taken.
public enum TermFailure: Error, Hashable, Sendable {
    /// Somebody has a higher one.
    case higherTerm(Term)
    /// Those who hold more than this node live, and can not be copied from.
    case incomplete
    /// Too few origins promised to refuse lower ones: so many, this one counted.
    case tooFew(agreed: Int)
}
