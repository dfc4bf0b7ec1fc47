// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// Speaking for a region.
extension ClusterCore {
    /// Whether it is this node that sums the region up, and tells it of others: the first of the ambassadors.
    var speaks: Bool { world != nil && ambassadors.first == region.own.id }

    /// Chooses the ambassadors anew, and joins or leaves the pool between regions accordingly.
    mutating func reviewAmbassadors(now: Duration, into directives: inout [Directive]) {
        nextReview = .never
        ambassadors = region.members.ambassadors(of: region.own.description.region)
        let isChosen = ambassadors.contains(region.own.id)
        if isChosen, world == nil {
            var pool = Membership(
                description: region.own.description, incarnation: worldIncarnation, settings: settings.world, now: now)
            pool.directoryDigest = region.directoryDigest
            world = pool
            nextSpeech = now + settings.speechInterval
        } else if isChosen, world?.isLeaving == true {
            nextReview = now + settings.reviewDelay
        } else if !isChosen, world != nil {
            nextSpeech = .never
            work(in: .world, now: now, into: &directives) { $0.leave(now: now, into: &$1) }
        }
    }

    /// Sums the region up for the others.
    mutating func speak(now: Duration, into directives: inout [Directive]) {
        nextSpeech = now + settings.speechInterval
        guard speaks else { return }
        endOrphans(now: now, into: &directives)
        guard let others = world?.liveCount, others > 1 else { return }
        let summary = summary(now: now).fitted
        world?.spread(.region(summary), now: now)
    }

    /// What this node's region is like.
    func summary(now: Duration) -> RegionSummary {
        let members = region.members.filter { $0.health.isLive && !$0.description.isDraining }.sorted { $0.id < $1.id }
        let edges = members.filter { $0.description.roles.contains(.edge) }
        let routers = members.filter { $0.description.roles.contains(.router) }.map(\.description.viewerURL)
        let shields = members.filter { $0.description.roles.contains(.shield) }
        let origins = members.filter { $0.description.roles.contains(.origin) }
        return RegionSummary(
            region: region.own.description.region, speaker: region.own.id, time: unixTime(at: now),
            routers: Array(routers.filter { !$0.isEmpty }.prefix(Self.listed)),
            doors: Array((shields.isEmpty ? origins : shields).compactMap(\.relayDoor).prefix(Self.listed)),
            capacity: edges.reduce(0) { $0.addingReportingOverflow($1.description.capacity).partialValue },
            load: regionLoad, packaging: packaging)
    }

    /// What all of the region write who may hold streams; where they have no version in common, the highest of who writes
    /// the oldest. All versions where nobody does.
    private var packaging: ClosedRange<UInt8> {
        let written = region.members.filter(\.mayHoldStreams).map(\.description.packaging)
        let highest = written.map(\.upperBound).min() ?? .max
        let lowest = written.map(\.lowerBound).max() ?? .min
        return min(lowest, highest)...highest
    }

    /// Someone looks for the pool between regions here, where it is not: tells who of this region is in it.
    mutating func refer(_ message: GossipStreamMessage, on stream: GossipStream, into directives: inout [Directive]) {
        if case .digest = message, case .accepted = stream {
            let members = ambassadors.compactMap { region.member($0) }
            let referral = GossipStreamMessage.state(
                members: members, streams: [], regions: [], keys: [], isAnswer: true)
            directives.append(.write(referral, on: stream, pool: .world))
        }
        directives.append(.close(stream, pool: .world))
    }

    /// Ends streams of this region whose holders are both long gone and that nobody else has ended.
    private mutating func endOrphans(now: Duration, into directives: inout [Directive]) {
        for var entry in directory.sorted
        where entry.region == region.own.description.region && entry.state != .ended {
            guard isLongGone(entry.gateway, now: now) else { continue }
            entry.version &+= 1
            entry.state = .ended
            hear(.stream(entry), in: .region, now: now, into: &directives)
        }
    }

    private func isLongGone(_ node: NodeID, now: Duration) -> Bool {
        region.goneSince(node).map { $0 + settings.orphanTime <= now } ?? false
    }

    /// Unix milliseconds, by the clock that this node began with.
    func unixTime(at now: Duration) -> UInt64 {
        let passed = (now - begin).components
        return boot &+ UInt64(truncatingIfNeeded: passed.seconds * 1000 + passed.attoseconds / 1_000_000_000_000_000)
    }

    /// How many routers and doors a summary names.
    private static let listed = 8
}

extension Member {
    fileprivate var relayDoor: RelayDoor? {
        description.relay.map { RelayDoor(node: id, relay: $0, capacity: description.capacity) }
    }
}
