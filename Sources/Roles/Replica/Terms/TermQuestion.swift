// SPDX-License-Identifier: Apache-2.0

import Identity
import Relay

/// One node asked about a term: refuse lower ones from now on; what do you hold? Confined to its loop.
final class TermQuestion: RelayLinkUser {
    private let stream: StreamID
    private let term: Term
    private let onAnswer: (TermAnswer?) -> Void
    private var link: RelayLink?
    private var channel: UInt32 = 0
    private var isOver = false

    /// Asks `parent`.
    /// - Parameter onAnswer: called once, with nil where the node can not be reached.
    init(
        _ stream: StreamID, _ term: Term, of parent: RelayParent, on loop: UpstreamLoop,
        onAnswer: @escaping (TermAnswer?) -> Void
    ) {
        self.stream = stream
        self.term = term
        self.onAnswer = onAnswer
        loop.link(to: parent).attach(self, .first)
    }

    func linked(_ path: RelayPath, _ link: RelayLink, channel: UInt32) {
        guard !isOver else { return link.detach(channel) }
        self.link = link
        self.channel = channel
        link.send(.termQuestion(stream, term), channel: channel)
    }

    func heard(_ message: RelayMessage, _ path: RelayPath) {
        guard case .termAnswer(let answer) = message, !isOver else { return }
        cancel()
        onAnswer(answer)
    }

    func unlinked(_ path: RelayPath) {
        guard !isOver else { return }
        isOver = true
        onAnswer(nil)
    }

    /// Waits no longer.
    func cancel() {
        isOver = true
        link?.detach(channel)
    }
}
