// SPDX-License-Identifier: Apache-2.0

public import Identity
import NIOCore
import Relay
import Transport

/// A term that is being confirmed: the shell around ``TermConfirmation``. Confined to its loop; it lives until `done` was
/// called.
final class TermChecking {
    private let stream: StreamID
    private let peers: [RelayParent]
    private let loop: UpstreamLoop
    private let done: @Sendable (TermStanding, Set<NodeID>) -> Void
    private var confirmation: TermConfirmation
    private var questions: [TermQuestion] = []
    private var isOver = false

    init(
        _ stream: StreamID, _ confirmation: TermConfirmation, asking peers: [RelayParent], on loop: UpstreamLoop,
        done: @escaping @Sendable (TermStanding, Set<NodeID>) -> Void
    ) {
        self.stream = stream
        self.peers = peers
        self.loop = loop
        self.done = done
        self.confirmation = confirmation
    }

    /// Asks until it is known.
    func begin() {
        obey(confirmation.tick(now: SystemClock.now()))
        guard !isOver else { return }
        loop.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: .milliseconds(50)) { [self] in
            if !isOver { begin() }
        }
    }

    private func obey(_ directives: [TermConfirmation.Directive]) {
        for directive in directives where !isOver {
            switch directive {
            case .ask(let term): ask(term)
            case .confirm: finish(.highest)
            case .unheard: finish(.unknown)
            case .yield(let higher): finish(.superseded(by: higher))
            }
        }
    }

    private func ask(_ term: Term) {
        for question in questions { question.cancel() }
        questions = peers.map { parent in
            TermQuestion(stream, term, of: parent, on: loop) { [weak self] answer in
                guard let self, let answer else { return }
                obey(confirmation.answered(answer, by: parent.node))
            }
        }
    }

    private func finish(_ standing: TermStanding) {
        isOver = true
        for question in questions { question.cancel() }
        done(standing, confirmation.agreed)
    }
}

/// What a node's peers say of its term.
public enum TermStanding: Hashable, Sendable {
    /// Enough of them know of no higher one.
    case highest
    /// One of them knows this one.
    case superseded(by: Term)
    /// Too few of them answer.
    case unknown
}
