// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Cluster
import Feed
import Identity
import Relay

/// A node's part of the arbitration: production's keeper of leases, and what its shell keeps.
struct FailoverArbiter {
    var keeper: LeaseKeeper
    /// The highest term that the store told of, by refusing a lower one.
    var refusal: Term?
    var nextRound: Duration
    /// Questions under way, by number.
    var questions: [Int: Question] = [:]
    /// After a failure the store is left alone for a while, longer each time.
    var failures = 0
    var nextTry: Duration = .zero

    struct Question {
        let content: FailoverRequest.Content
        let askedAt: Duration
        /// When it counts as unanswered.
        var until: Duration
    }

    init(now: Duration) {
        keeper = LeaseKeeper(now: now)
        nextRound = now
    }
}

/// What is under way to the store.
struct FailoverRequest {
    /// What a node asks.
    enum Content {
        /// Claims a term, knowing that another was the highest.
        case claim(Term, knowing: Term?)
        /// Gives a lease back.
        case release(Term)
        /// Renews all that the node has, if it has anything.
        case renew(Term?)
    }

    let number: Int
    let content: Content
    let node: Int
    let life: Int
}

// MARK: - The node's side

extension FailoverWorld {
    /// Renews once a second, gives up what was not answered, and fences or unfences as time goes on.
    func keepLeases(_ node: FailoverNode) {
        guard let arbiter = node.arbiter else { return }
        for (number, question) in arbiter.questions.sorted(by: { $0.key < $1.key }) where question.until <= now {
            node.arbiter?.questions[number] = nil
            unanswered(question, node)
        }
        if now >= arbiter.nextRound {
            node.arbiter?.nextRound = now + .seconds(1)
            renew(node)
            feed(node) { $0.tick(now: $1) }
        }
        if let due = node.arbiter?.keeper.nextDeadline, now >= due { feed(node) { $0.tick(now: $1) } }
    }

    /// Claims a term before anybody else is asked.
    func claim(_ term: Term, _ node: FailoverNode) {
        guard let arbiter = node.arbiter else { return claimed(term, node) }
        let known = [known(node), arbiter.refusal].compactMap { $0 }.max()
        if now < arbiter.nextTry { return claimed(term, node) }
        askStore(.claim(term, knowing: known), node)
    }

    /// Gives a term back.
    func release(_ term: Term, _ node: FailoverNode) {
        guard let arbiter = node.arbiter, now >= arbiter.nextTry else { return }
        askStore(.release(term), node)
    }

    /// Whether nothing may begin at a node: others may have its terms.
    func isCutOffFromStore(_ node: FailoverNode) -> Bool { node.arbiter?.keeper.isFenced ?? false }

    private func renew(_ node: FailoverNode) {
        guard let arbiter = node.arbiter, now >= arbiter.nextTry else { return }
        let isUnderWay = arbiter.questions.values.contains { if case .renew = $0.content { true } else { false } }
        guard !isUnderWay else { return }
        let held = node.gateway.flatMap { $0.sequencer.summary.hasEnded ? nil : $0.term }
        askStore(.renew(held), node)
    }

    private func askStore(_ content: FailoverRequest.Content, _ node: FailoverNode) {
        lastQuestion += 1
        // A dead process is refused at once, silence takes its time.
        let isRefused = !store.isUp && talks(node.number, Self.storeNumber)
        node.arbiter?.questions[lastQuestion] = FailoverArbiter.Question(
            content: content, askedAt: now, until: now + (isRefused ? .milliseconds(2) : Self.storeTimeout))
        guard store.isUp, reaches(node.number, Self.storeNumber) else { return }
        requests.insert(
            FailoverRequest(number: lastQuestion, content: content, node: node.number, life: node.life),
            at: now + .milliseconds(Int.random(in: 1...8, using: &random)))
    }

    private func unanswered(_ question: FailoverArbiter.Question, _ node: FailoverNode) {
        let bound = min(Duration.seconds(2), .milliseconds(200) * (1 << min(node.arbiter?.failures ?? 0, 10)))
        node.arbiter?.failures += 1
        node.arbiter?.nextTry = now + bound * Double.random(in: 0...1, using: &random)
        switch question.content {
        case .claim(let term, _): claimed(term, node)
        case .release: break
        case .renew: feed(node) { $0.failed(askedAt: question.askedAt, now: $1) }
        }
    }

    func heard(_ answer: VirtualRedis.Answer, to number: Int, _ node: FailoverNode, life: Int) {
        guard life == node.life, let question = node.arbiter?.questions.removeValue(forKey: number) else { return }
        node.arbiter?.failures = 0
        node.arbiter?.nextTry = .zero
        switch (question.content, answer) {
        case (.claim(let term, _), .granted): claimed(term, node)
        case (.claim, .refused(let highest)):
            node.arbiter?.refusal = highest
            refused(for: highest, node)
        case (.release, _): break
        case (.renew(let term), let answer):
            for peer in nodes where peer !== node && peer.isOrigin && !node.dead.contains(peer.number) {
                send(.storeAnswered, from: node.number, to: peer.number)
            }
            if case .refused(let highest) = answer, let term { lost(term, to: highest, node) }
            feed(node) { $0.renewed(askedAt: question.askedAt, now: $1) }
        }
    }

    func heardOfStore(_ node: FailoverNode) { feed(node) { $0.heard(now: $1) } }

    private func lost(_ term: Term, to highest: Term, _ node: FailoverNode) {
        note("n\(node.number) lost \(term) to \(highest)")
        if node.gateway?.term == term { stop(node) }
    }

    /// Feeds the keeper one event and obeys it.
    private func feed(_ node: FailoverNode, _ event: (inout LeaseKeeper, Duration) -> [LeaseKeeper.Directive]) {
        guard var keeper = node.arbiter?.keeper else { return }
        let directives = event(&keeper, now)
        node.arbiter?.keeper = keeper
        for directive in directives {
            note("n\(node.number) is to \(directive)")
            guard directive == .ask else { continue }
            node.arbiter?.failures = 0
            node.arbiter?.nextTry = .zero
            renew(node)
        }
        guard node.gateway != nil else { return }
        if keeper.isFenced { fence(node, .lease) } else { unfence(node, .lease) }
    }
}

// MARK: - The store's side

extension FailoverWorld {
    /// What has come to the store is done, in order.
    func serveStore() {
        if now.components.attoseconds == 0, store.isUp { storePast = store }
        while let time = requests.nextTime, time <= now, let (_, request) = requests.removeFirst() {
            guard store.isUp else { continue }
            let answer = answer(request)
            guard reaches(Self.storeNumber, request.node), nodes[request.node].isRunning else { continue }
            nodes[request.node].mailbox.insert(
                .stored(request.number, answer: answer, life: request.life),
                at: now + .milliseconds(Int.random(in: 1...8, using: &random)))
        }
    }

    private func answer(_ request: FailoverRequest) -> VirtualRedis.Answer {
        let holder = nodes[request.node].id
        switch request.content {
        case .claim(let term, let known):
            let answer = store.hold(term, by: holder, knowing: known, now: now)
            if answer == .granted { granted(term, to: request.node, knowing: known) }
            return answer
        case .release(let term):
            store.release(term, by: holder)
            return .granted
        case .renew(let term?):
            let answer = store.hold(term, by: holder, knowing: term, now: now)
            if answer == .granted { granted(term, to: request.node, knowing: nil) }
            return answer
        case .renew(nil): return .granted
        }
    }

    static let storeNumber = -1
    private static let storeTimeout: Duration = .milliseconds(500)
}
