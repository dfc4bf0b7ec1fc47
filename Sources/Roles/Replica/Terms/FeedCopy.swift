// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Relay
import Transport

/// Copies into a replica what one node holds of a stream, for whoever takes a term of it. Confined to its loop.
final class FeedCopy: RelayLinkUser {
    private let replica: StreamReplica
    private let parent: NodeID
    private let packaging: ClosedRange<UInt8>
    private let metrics: RelayMetrics
    private let onProgress: (FeedPosition?) -> Void
    private let onFailure: () -> Void
    private var session: RelaySubscriberSession
    private var link: RelayLink?
    private var channel: UInt32 = 0
    private var isOver = false

    /// Copies from `parent` until cancelled.
    /// - Parameters:
    ///   - onProgress: called with the next record wanted when something came.
    ///   - onFailure: called once where the node can not be copied from any more.
    init(
        into replica: StreamReplica, from parent: RelayParent, on loop: UpstreamLoop,
        onProgress: @escaping (FeedPosition?) -> Void, onFailure: @escaping () -> Void
    ) {
        self.replica = replica
        self.parent = parent.node
        packaging = loop.packaging
        metrics = loop.metrics
        self.onProgress = onProgress
        self.onFailure = onFailure
        session = RelaySubscriberSession(
            stream: replica.id, next: replica.next, via: [loop.identity.tag], isTaking: true,
            settings: loop.identity.settings)
        loop.link(to: parent).attach(self, .first)
    }

    func linked(_ path: RelayPath, _ link: RelayLink, channel: UInt32) {
        guard !isOver else { return link.detach(channel) }
        self.link = link
        self.channel = channel
        obey(session.open(path, now: SystemClock.now()))
    }

    func heard(_ message: RelayMessage, _ path: RelayPath) {
        guard !isOver else { return }
        obey(session.receive(message, from: path, now: SystemClock.now()))
        if !isOver { onProgress(replica.next) }
    }

    func unlinked(_ path: RelayPath) { if !isOver { fail() } }

    /// Does what is due.
    func tick(now: Duration) { if !isOver { obey(session.tick(now: now)) } }

    /// Copies no more.
    func cancel() {
        guard !isOver else { return }
        isOver = true
        link?.send(.unsubscribe, channel: channel)
        link?.detach(channel)
    }

    private func fail() {
        cancel()
        onFailure()
    }

    private func obey(_ directives: [RelaySubscriberSession.Directive]) {
        for directive in directives where !isOver {
            switch directive {
            case .append(let records, let first):
                guard records.allSatisfy({ $0.isWritable(in: packaging) }) else { return fail() }
                metrics.checked(replica.append(records, at: first, from: parent).digests)
            case .begin(let start): replica.begin(start)
            case .commit: break  // the next term commits anew
            case .leave, .redirect: fail()
            case .send(let message, _): link?.send(message, channel: channel)
            }
        }
    }
}
