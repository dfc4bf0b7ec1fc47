// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Relay
import Telemetry
import Transport

/// One stream as it is taken from other nodes: the shell around its subscription. Confined to its loop.
final class Upstream: RelayLinkUser {
    let replica: StreamReplica
    private let loop: UpstreamLoop
    private let isHolder: Bool
    private var session: RelaySubscriberSession
    private var ends: [RelayPath: End] = [:]
    /// Parents that are not asked again before then.
    private var shunned: [RelayParent: Duration] = [:]
    /// Parents that do not know the stream.
    private var ignorant: Set<RelayParent> = []
    private var isOver = false

    /// Where a path stands.
    private struct End {
        let parent: RelayParent
        var link: RelayLink?
        var channel: UInt32 = 0
    }

    init(_ replica: StreamReplica, _ loop: UpstreamLoop, via: [NodeTag], isHolder: Bool) {
        self.replica = replica
        self.loop = loop
        self.isHolder = isHolder
        let parents = loop.finder.parents(of: replica.id)
        session = RelaySubscriberSession(
            stream: replica.id, next: replica.next, term: parents?.term, via: via + [loop.identity.tag],
            isHolder: isHolder, settings: loop.identity.settings)
    }

    /// Sees to it that both paths lead somewhere, and does what is due.
    func tick(now: Duration) {
        guard !isOver else { return }
        obey(session.tick(now: now), now: now)
        guard ends.count < RelayPath.allCases.count else { return }
        let parents = loop.finder.parents(of: replica.id)
        let candidates = parents?.candidates ?? []
        shunned = shunned.filter { $0.value > now }
        for path in RelayPath.allCases where ends[path] == nil {
            let used = ends.values.map(\.parent)
            guard let parent = candidates.first(where: { !used.contains($0) && shunned[$0] == nil }) else { continue }
            attach(path, to: parent)
        }
        let isUnknown = !isHolder && candidates.allSatisfy { ignorant.contains($0) }
        // What is over, and what nobody has the end of, ends nowhere else.
        let isLost = !replica.hasTerm || parents?.isOver ?? false && !replica.isOver
        if isLost, isUnknown, ends.isEmpty { loop.giveUp(self) }
    }

    /// The directory has news of the stream, such as a higher term: parents that have no place in its tree are left.
    func learn(_ term: Term, now: Duration) {
        guard !isOver else { return }
        session.learn(term, now: now)
        let candidates = loop.finder.parents(of: replica.id)?.candidates ?? []
        for path in RelayPath.allCases {
            guard let parent = ends[path]?.parent, !candidates.contains(parent) else { continue }
            if session.isOpen(path) { obey(session.disown(path, now: now), now: now) } else { part(path) }
        }
        tick(now: now)
    }

    /// Asks the parent for a random access point. Who wrote segments before there were layers does not know the word, and
    /// nobody who holds later ones did.
    func requestRandomAccess() {
        guard replica.packaging.map({ $0 >= SegmentStart.firstPackagingOfLayers }) ?? false,
            let end = session.active.flatMap({ ends[$0] }), let link = end.link
        else { return }
        loop.metrics.randomAccessRequests.add()
        link.send(.randomAccess, channel: end.channel)
    }

    /// Ends the subscription.
    func close() {
        isOver = true
        for end in ends.values {
            end.link?.send(.unsubscribe, channel: end.channel)
            end.link?.detach(end.channel)
        }
        ends = [:]
    }

    func linked(_ path: RelayPath, _ link: RelayLink, channel: UInt32) {
        guard !isOver, ends[path]?.parent == link.parent else { return link.detach(channel) }
        ends[path]?.link = link
        ends[path]?.channel = channel
        let now = SystemClock.now()
        obey(session.open(path, view: loop.finder.parents(of: replica.id)?.view ?? 0, now: now), now: now)
    }

    func heard(_ message: RelayMessage, _ path: RelayPath) {
        let now = SystemClock.now()
        obey(session.receive(message, from: path, now: now), from: path, now: now)
    }

    func unlinked(_ path: RelayPath) {
        guard let end = ends.removeValue(forKey: path) else { return }
        let now = SystemClock.now()
        shun(end.parent, now: now)
        obey(session.disconnected(path, now: now), now: now)
    }
}

extension Upstream {
    /// The gateway packages as this node can not: to write other bytes under its names would be worse than none.
    private func refuse() {
        loop.metrics.foreignPackaging.add()
        loop.giveUp(self)
    }

    private func attach(_ path: RelayPath, to parent: RelayParent) {
        ends[path] = End(parent: parent)
        loop.link(to: parent).attach(self, path)
    }

    /// - Parameter path: where what is obeyed came from; nil where time alone has caused it.
    private func obey(
        _ directives: [RelaySubscriberSession.Directive], from path: RelayPath? = nil, now: Duration
    ) {
        var mayAcknowledge = true
        let parent = path.flatMap { ends[$0]?.parent.node }
        for directive in directives {
            switch directive {
            case .append(let records, let first):
                guard records.allSatisfy({ $0.isWritable(in: loop.packaging) }) else { return refuse() }
                let found = replica.append(records, at: first, from: parent)
                mayAcknowledge = found.mayBeAcknowledged
                loop.metrics.checked(found.digests)
            case .begin(let start): replica.begin(start)
            case .commit(let commit): if !replica.hear(commit) { loop.metrics.refused(.commit) }
            case .leave(let path, let parting): leave(path, parting, now: now)
            case .redirect(let path, let node, let endpoint):
                part(path)
                attach(path, to: RelayParent(node: node, endpoint: endpoint))
            case .send(.acknowledge, _) where !mayAcknowledge: loop.metrics.refused(.acknowledgement)
            case .send(let message, let path):
                if let end = ends[path] { end.link?.send(message, channel: end.channel) }
            }
        }
        loop.metrics.met(session.takeCounters())
        replica.subscription(isLevel: session.isLevel, gatewayHeard: session.gatewayAge(now: now).map { now - $0 })
    }

    private func leave(_ path: RelayPath, _ parting: RelayParting, now: Duration) {
        loop.metrics.parted(parting)
        guard let parent = ends[path]?.parent else { return }
        if case .refused(.unknownStream) = parting { ignorant.insert(parent) } else { ignorant.remove(parent) }
        shun(parent, now: now)
        switch parting {
        case .failed, .silent: ends[path].map { $0.link?.send(.unsubscribe, channel: $0.channel) }
        case .disconnected, .redirects, .refused: break  // the parent has ended it
        }
        part(path)
    }

    private func part(_ path: RelayPath) {
        guard let end = ends.removeValue(forKey: path) else { return }
        end.link?.detach(end.channel)
    }

    private func shun(_ parent: RelayParent, now: Duration) { shunned[parent] = now + Self.patience }

    /// How long a parent that was given up is not asked again.
    private static let patience: Duration = .milliseconds(500)
}

extension FeedRecord {
    /// Whether a byte writer of these versions writes it as the gateway does.
    func isWritable(in packaging: ClosedRange<UInt8>) -> Bool {
        if case .segmentStart(let start) = self { packaging.contains(start.packaging) } else { true }
    }
}
