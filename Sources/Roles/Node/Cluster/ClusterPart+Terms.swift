// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import Identity
import Logging
import Media
import NIOCore
import Origin
import Placement
import Relay
import Replica
import Router
import Telemetry
import Transport

/// Terms: this node's streams become its own, are doubted, and are given up.
extension ClusterPart: OriginCluster {
    func known(_ stream: StreamID) -> KnownStream? {
        desk.entry(stream).map { entry in
            let isOver = entry.state == .ended || entry.publisher == 0
            return KnownStream(term: entry.term, publisher: isOver ? nil : entry.publisher)
        }
    }

    /// Edges hold the window, too, and are asked in a term.
    var hasOthers: Bool {
        let snapshot = desk.snapshot
        return snapshot.view.members.contains { member in
            member.id != id && member.health <= .suspect && member.description.region == snapshot.region
                && !member.description.roles.isDisjoint(with: [.origin, .edge])
        }
    }

    func take(_ stream: LiveStream, for purpose: TermPurpose, done: @escaping @Sendable (TermOutcome) -> Void) {
        guard hasJoined else {
            stream.onItsLoop(after: .milliseconds(50)) { [weak self] in self?.take(stream, for: purpose, done: done) }
            return
        }
        let snapshot = desk.snapshot
        let isRetaken = stream.replica.source == .gateway
        let wish = TermWish(
            stream.replica, for: purpose == .ending ? .ending : .publishing, above: stream.term,
            asking: termPeers(of: stream),
            quorum: TermSession.Quorum(count: settings.cluster.quorum, voters: snapshot.voters),
            essential: { [desk, id = stream.id] in desk.snapshot.livingHolders(of: id) },
            isHolder: isHolder(of: stream.replica), isWanted: { !stream.isYielded })
        upstreams.take(wish, claims: claims) { [desk, log, settings, shared] outcome in
            switch outcome {
            case .failure(let failure):
                log.record(
                    "term not taken", level: .warning, metadata: ["stream": "\(stream.id)", "reason": "\(failure)"],
                    now: SystemClock.now())
                switch failure {
                case .higherTerm: done(.lost(.superseded))
                case .incomplete: done(.lost(.cutOff))
                case .tooFew: done(.lost(.tooFewOrigins))
                }
            case .success(let succession):
                log.record(
                    "term taken", level: .info, metadata: ["stream": "\(stream.id)", "term": "\(succession.term)"],
                    now: SystemClock.now())
                // A standby counts from when it holds the window in this term: the one that there is begins anew.
                if isRetaken { shared.rest(stream.id) }
                shared.avoid(succession.unheard, for: stream.id)
                let packaging = desk.snapshot.packaging(writing: settings.packaging)
                done(.taken(succession.term, packaging: packaging, listed: succession.listed))
            }
        }
    }

    /// Whether this node is a stream's gateway or standby by the directory, and not one that begins anew.
    private func isHolder(of replica: StreamReplica) -> Bool {
        guard let entry = desk.entry(replica.id), entry.state != .ended else { return false }
        return [entry.gateway, entry.standby].contains(id) && replica.holding.next?.term == entry.term
    }

    func changed(_ stream: LiveStream) {
        guard stream.hasTerm else { return }
        // Whoever took a higher term may not have been able to ask this node.
        if let entry = desk.entry(stream.id), entry.gateway != id, entry.term > stream.term { return stream.yield() }
        follow(stream)
    }

    func ended(_ stream: LiveStream) { claims.release(stream.id, stream.term) }

    func gaveUp(_ stream: LiveStream) {
        claims.release(stream.id, stream.term)
        feeder.forget(stream.id)
        upstreams.adopt(stream.replica)
    }

    func fenced(_ stream: LiveStream) {
        confirm(stream, asking: witnesses(of: stream)) { [weak self] standing, _, stalls in
            switch standing {
            case .highest:
                // It stood still again: asked again at once, by the next beat where that is yet to notice it.
                if !stream.unfence(.clock, confirmedAfter: stalls), self?.pulse?.stalls != stalls {
                    self?.fenced(stream)
                }
            case .superseded: stream.yield()
            case .unknown: break  // asked again with the next tick
            }
        }
    }

    /// Asks whether a stream's term still is the highest, where nobody does.
    /// - Parameter done: called once on any thread, unless the stream has left the term meanwhile: with what those who were
    ///   asked say, who of them agrees, and the stalls that were counted before. Where they are more by then, all but a
    ///   higher term may be out of date.
    private func confirm(
        _ stream: LiveStream, asking peers: @autoclosure () -> [RelayParent], needing required: Set<NodeID>? = nil,
        done: @escaping @Sendable (TermStanding, Set<NodeID>, UInt64) -> Void
    ) {
        let stalls = pulse?.stalls ?? 0
        guard stream.hasTerm, shared.beginCheck(stream.id, after: stalls) else { return }
        let term = stream.term
        upstreams.confirm(stream.id, term, asking: peers(), needing: required) { [shared] standing, answered in
            shared.endCheck(stream.id, after: stalls)
            guard stream.hasTerm, stream.term == term else { return }
            done(standing, answered, stalls)
        }
    }

    /// Five times a second: whether the process stood still.
    func beat() {
        let now = SystemClock.now()
        guard let pulse else { return }
        guard pulse.isLate(at: now) else { return pulse.beat(at: now) }
        // No gate may be open when the pulse looks well again.
        for stream in streams.all { stream.fence(.clock) }
        pulse.beat(at: now)
        log.record("this node stood still", level: .warning, metadata: [:], now: now)
        confirmFenced()
    }

    /// Asks again for the streams that are still in doubt.
    func confirmFenced() {
        for stream in streams.all where stream.fences.contains(.clock) { fenced(stream) }
    }

    /// Ten times a second: whether a standby owes acknowledgements and nothing is heard of it, or none ever joined.
    func watchHolders() {
        for stream in streams.all {
            let silent = stream.questionableHolders
            if !silent.isEmpty || stream.misses(standby(of: stream)) { question(silent, of: stream) }
        }
    }

    /// Parts wait for a standby that says nothing. It may be gone, with its machine or behind a cut, or stand still. It may
    /// have promised the stream to somebody who then failed, and others too: they list nothing of this term any more, and
    /// what only this node listed would help few. So a higher term is taken. Where nobody has promised anything, a standby
    /// that has not answered either is given up. An acknowledgement or an answer that comes meanwhile is the end of it.
    private func question(_ silent: Set<NodeID>, of stream: LiveStream) {
        let asked = SystemClock.now()
        let peers = termPeers(of: stream)
        let others = Set(peers.map(\.node)).subtracting(silent)
        confirm(stream, asking: peers, needing: others) { [weak self] standing, answered, stalls in
            guard let self else { return }
            switch standing {
            case .highest, .unknown:
                // The silence may have been this process's own: asked again where it lasts.
                guard pulse?.hasRun(since: stalls, at: SystemClock.now()) ?? true else { return }
                giveUpHolders(of: stream, askedAt: asked, answered: answered)
            case .superseded(let higher): outlive(higher, of: stream)
            }
        }
    }

    private func standby(of stream: LiveStream) -> NodeID? {
        desk.entry(stream.id).flatMap { $0.term == stream.term ? $0.standby : nil }
    }

    private func giveUpHolders(of stream: LiveStream, askedAt asked: Duration, answered: Set<NodeID>) {
        let lost = stream.giveUpHolders(askedAt: asked, answered: answered)
        guard !lost.isEmpty else { return }
        log.record(
            "the standby says nothing", level: .warning,
            metadata: ["stream": "\(stream.id)", "standby": "\(lost.sorted())"], now: SystemClock.now())
        shared.rest(stream.id)
        shared.avoid(lost, for: stream.id)
        changed(stream)
    }

    /// A higher term was promised: if nobody begins it, as the directory would say, this node goes on above it.
    private func outlive(_ higher: Term, of stream: LiveStream) {
        if let entry = desk.entry(stream.id), entry.gateway != id, entry.term > stream.term { return stream.yield() }
        guard shared.isForlorn(higher, of: stream.id) else { return }
        log.record(
            "the standby waits for a term that nobody has", level: .warning,
            metadata: ["stream": "\(stream.id)", "term": "\(higher)"], now: SystemClock.now())
        streams.retake(stream)
    }

    /// A gateway that knows of fewer origins than must agree to a term may be on the smaller side of a cut, and the other
    /// may have taken its streams: it writes nothing until it knows of enough, and none of them of a higher term.
    func keepQuorum() {
        guard desk.snapshot.hasQuorum(of: settings.cluster.quorum) else {
            for stream in streams.all where stream.hasTerm {
                guard stream.fence(.quorum) else { continue }
                log.record(
                    "fenced: fewer origins are alive than cluster.quorum", level: .warning,
                    metadata: ["stream": "\(stream.id)"], now: SystemClock.now())
            }
            return
        }
        for stream in streams.all where stream.fences.contains(.quorum) { confirmAmongAll(stream) }
    }

    /// Asks all who may have promised the stream to another. An origin that took it had the promises of as many as agree to
    /// a term, so among all origins one knows; of the others one that does not answer keeps nothing closed.
    private func confirmAmongAll(_ stream: LiveStream) {
        confirm(stream, asking: termPeers(of: stream), needing: desk.snapshot.voters) { standing, _, stalls in
            switch standing {
            // Asked again with the next tick where that does not open the gate.
            case .highest: stream.unfence(.quorum, confirmedAfter: stalls)
            case .superseded: stream.yield()
            case .unknown: break
            }
        }
    }

    private func termPeers(of stream: LiveStream) -> [RelayParent] {
        desk.snapshot.termPeers(for: stream.id).map { RelayParent(node: $0.node, endpoint: $0.relay) }
    }

    private func witnesses(of stream: LiveStream) -> [RelayParent] {
        desk.snapshot.witnesses(of: stream.id).map { RelayParent(node: $0.node, endpoint: $0.relay) }
    }

    /// The directory says that another node has a stream, or that what it had is over.
    func settle(_ entry: StreamEntry) {
        guard entry.gateway != id else { return }
        if let stream = streams[entry.stream], stream.hasTerm, entry.term > stream.term {
            relayMetrics.refused(.gateway)
            stream.yield()
        }
        guard let replica = replicas[entry.stream] else { return }
        if replica.isOver, entry.state != .ended, entry.term > replica.term { replicas.remove(replica) }
        if replica.source == .relay { replica.publisherIs(absent: entry.state == .absent) }
        upstreams.learn(entry.stream, entry.term)
    }

    /// Ends streams whose publisher did not come back in the grace, and whose gateway can not: it is gone and this node is
    /// the heir, or it is this node, which knows nothing of its earlier life.
    func endOrphans() {
        let snapshot = desk.snapshot
        let orphans = snapshot.view.streams.values.filter { entry in
            guard entry.state != .ended, streams[entry.stream] == nil else { return false }
            // The view may not have it yet that this node has ended the stream.
            if let held = replicas[entry.stream], held.isOver, held.term >= entry.term { return false }
            return snapshot.heir(of: entry) == id
        }
        for orphan in shared.overdue(orphans, after: settings.publisher.grace) {
            streams.endOrphan(orphan.stream, on: group.any())
        }
    }

    /// Whether the node knows others, or has had the time to: one that has just been started would take a term without
    /// asking those who hold the stream. Others may know of one that was told of nobody.
    private var hasJoined: Bool {
        desk.snapshot.view.members.count > 1 || SystemClock.now() - startedAt > Self.joinTime
    }

    private static let joinTime: Duration = .seconds(2)
}
