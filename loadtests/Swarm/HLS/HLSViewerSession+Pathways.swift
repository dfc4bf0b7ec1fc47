// SPDX-License-Identifier: Apache-2.0

import Bytes

extension HLSViewerSession {
    /// Takes a multivariant playlist: the first variant of the pathway to begin with.
    mutating func choose(_ known: KnownPlaylist, _ now: Duration) {
        pathways = known.pathways.compactMap { one in base.following(one.uri).map { (one.id, $0) } }
        guard !pathways.isEmpty else { return reload = ("", now + delay(after: settings.tries)) }
        let first = known.list.steering?.pathway.map(known.list.string)
        pathway = pathways.firstIndex { $0.id == first } ?? 0
        if let server = known.list.steering.map({ known.list.string($0.server) }) {
            steering = base.following(server).map { Steering(address: $0, at: now) }
        }
        adopt(now)
    }

    /// Goes to the next pathway, because this one fails.
    mutating func leavePathway(_ now: Duration, _ commons: inout HLSCommons, _ directives: inout [Directive]) {
        guard pathways.count > 1 else { return }
        avoided = (pathways[pathway].id, now + Self.penalty)
        move(to: (pathway + 1) % pathways.count, now, &commons, &directives)
    }

    /// Begins with the playlist that it was sent to first; what is in the buffer is shown meanwhile, and nothing twice.
    mutating func beginAnew(_ commons: inout HLSCommons, _ directives: inout [Directive]) {
        commons.tally.rejoins += 1
        giveUp(&commons, &directives)
        source = entry
        pathways = []
        edge = nil
        playlistTries = 0
    }

    private mutating func move(
        to index: Int, _ now: Duration, _ commons: inout HLSCommons, _ directives: inout [Directive]
    ) {
        commons.tally.moves += 1
        giveUp(&commons, &directives)
        pathway = index
        adopt(now)
    }

    private mutating func adopt(_ now: Duration) {
        source = pathways[pathway].address
        reload = ("", now)
        edge = nil
        edgeTime = now
        playlistTries = 0
        mediaTries = 0
        mediaTime = now
    }

    /// Nothing is under way any more but what is asked aside; what was not fetched is to be listed again.
    private mutating func giveUp(_ commons: inout HLSCommons, _ directives: inout [Directive]) {
        position = flights[mediaLane]?.unit?.position ?? queue.first?.position ?? position
        for lane in 0...mediaLane where flights[lane] != nil {
            release(flights[lane], &commons)
            flights[lane] = nil
            directives.append(.close(lane: lane))
        }
        queue = []
        hint = nil
        early = nil
    }

    private static var penalty: Duration { .seconds(60) }
}

// MARK: - What is asked aside

extension HLSViewerSession {
    /// When the viewer looks whether its server is still there: nothing new has been listed for too long, and there is
    /// another to go to.
    var doubtTime: Duration? {
        guard pathways.count > 1, let partTarget, edge != nil, !isLast else { return nil }
        return max(edgeTime + partTarget + settings.silence, probeTime)
    }

    mutating func askAside(_ now: Duration, _ directives: inout [Directive]) {
        if let doubtTime, doubtTime <= now {
            fly(HLSRequest(.probe, source, wantsBody: false), lane: Self.asideLane, now, &directives)
        } else if let steering, steering.at <= now, !pathways.isEmpty {
            let query = "_HLS_pathway=\(pathways[pathway].id)"
            let address = steering.address.at(steering.address.path.adding(query: query))
            fly(HLSRequest(.steering, address, wantsBody: true), lane: Self.asideLane, now, &directives)
        }
    }

    /// The server lives though it lists nothing new: it is asked more seldom, as our page does while a publisher is away.
    mutating func lives(_ now: Duration) {
        let pause = min(settings.silence * (1 << min(probes, 8)), settings.longestSilence)
        probeTime = now + pause * (0.75 + chance / 2)
        probes += 1
    }

    mutating func takeSteering(
        _ answer: HTTPAnswer, _ flight: Flight, _ now: Duration, _ commons: inout HLSCommons,
        _ directives: inout [Directive]
    ) {
        guard answer.status == 200, let manifest = SteeringAnswer(answer.body) else {
            commons.tally.count(answer.status == 200 ? .malformed : Self.fault(answer.status))
            return failed(flight, now, &commons, &directives)
        }
        commons.tally.steerings += 1
        steering?.at = now + manifest.life
        if let address = manifest.reloadURI.flatMap(flight.request.address.following) { steering?.address = address }
        clone(manifest.clones)
        if let avoided, avoided.until <= now { self.avoided = nil }
        let best = manifest.priority.first { id in id != avoided?.id && pathways.contains { $0.id == id } }
        guard let index = pathways.firstIndex(where: { $0.id == best }), index != pathway else { return }
        move(to: index, now, &commons, &directives)
    }

    private mutating func clone(_ clones: [SteeringAnswer.Clone]) {
        for clone in clones where !pathways.contains(where: { $0.id == clone.id }) {
            guard let original = pathways.first(where: { $0.id == clone.base }) else { continue }
            guard let address = original.address.moved(to: clone.host) else { continue }
            pathways.append((clone.id, address))
        }
    }
}
