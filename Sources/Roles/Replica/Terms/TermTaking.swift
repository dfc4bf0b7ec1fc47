// SPDX-License-Identifier: Apache-2.0

import Identity
import Media
import NIOCore
import Relay
import Telemetry
import Transport

/// A term that is being taken: the shell around ``TermSession``. Confined to its loop; it lives until `done` was called.
final class TermTaking {
    private let wish: TermWish
    private let claims: any TermClaims
    private let replicas: ReplicaTable
    private let loop: UpstreamLoop
    private let done: @Sendable (Result<Succession, TermFailure>) -> Void
    private var session: TermSession
    private var questions: [TermQuestion] = []
    private var copy: FeedCopy?
    private var random = SystemRandomNumberGenerator()
    private var isOver = false

    init(
        _ wish: TermWish, claims: any TermClaims, replicas: ReplicaTable, on loop: UpstreamLoop,
        done: @escaping @Sendable (Result<Succession, TermFailure>) -> Void
    ) {
        self.wish = wish
        self.claims = claims
        self.replicas = replicas
        self.loop = loop
        self.done = done
        let (next, commit) = wish.replica.holding
        session = TermSession(
            wish.replica.id, for: wish.purpose, asking: wish.peers.map(\.node), essential: wish.essential(),
            isHolder: wish.isHolder,
            held: next, commit: commit, quorum: wish.quorum, settings: loop.identity.settings)
    }

    /// Begins.
    func begin() {
        begin(above: [wish.known, replicas.promised(wish.replica.id)].compactMap { $0 }.max())
        keepTime()
    }

    private func begin(above known: Term?) {
        let now = SystemClock.wall().milliseconds.magnitude
        obey(session.begin(above: known, unixTime: now, using: &random))
    }

    private func keepTime() {
        loop.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: .milliseconds(20)) { [self] in
            guard !isOver else { return }
            guard wish.isWanted() else { return giveUp() }
            let now = SystemClock.now()
            copy?.tick(now: now)
            session.essential = wish.essential()
            obey(session.tick(now: now))
            keepTime()
        }
    }

    private func obey(_ directives: [TermSession.Directive]) {
        for directive in directives where !isOver {
            // A stream that was given up meanwhile is somebody else's: a term above theirs would take it from both.
            guard wish.isWanted() else { return giveUp() }
            switch directive {
            case .again(let higher): begin(above: higher)
            case .ask(let term): ask(term)
            case .begin(let succession): finish(.success(succession))
            case .claim(let term): claim(term)
            case .fetch(let node, _): fetch(node)
            case .yield(let failure): finish(.failure(failure))
            }
        }
    }

    private func claim(_ term: Term) {
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let eventLoop = loop.eventLoop
        claims.claim(wish.replica.id, term) { claim in
            eventLoop.execute {
                switch claim {
                case .granted: bound.value.obey(bound.value.session.claimed(term, now: SystemClock.now()))
                case .refused(let higher): bound.value.obey(bound.value.session.refused(for: higher))
                }
            }
        }
    }

    private func ask(_ term: Term) {
        for question in questions { question.cancel() }
        copy?.cancel()
        copy = nil
        _ = replicas.promise(wish.replica.id, term)
        // Whoever asked before that promise was let have the stream; who asks after it is told of this term.
        guard wish.isWanted() else { return giveUp() }
        questions = wish.peers.map { parent in
            TermQuestion(wish.replica.id, term, of: parent, on: loop) { [weak self] answer in
                self?.heard(answer, of: parent.node)
            }
        }
    }

    private func heard(_ answer: TermAnswer?, of node: NodeID) {
        let now = SystemClock.now()
        obey(answer.map { session.answered($0, by: node, now: now) } ?? session.unreachable(node, now: now))
    }

    private func fetch(_ node: NodeID) {
        copy?.cancel()
        guard let parent = wish.peers.first(where: { $0.node == node }) else { return }
        copy = FeedCopy(into: wish.replica, from: parent, on: loop) { [weak self] next in
            guard let self else { return }
            obey(session.fetched(next, now: SystemClock.now()))
        } onFailure: { [weak self] in
            guard let self else { return }
            obey(session.unreachable(node, now: SystemClock.now()))
        }
    }

    private func giveUp() {
        let known = [replicas.promised(wish.replica.id), session.term, wish.known].compactMap { $0 }.max()
        finish(.failure(.higherTerm(known ?? Term(number: 0, salt: 0))))
    }

    private func finish(_ outcome: Result<Succession, TermFailure>) {
        isOver = true
        for question in questions { question.cancel() }
        copy?.cancel()
        loop.metrics.took(outcome)
        done(outcome)
    }
}
