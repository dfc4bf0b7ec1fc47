// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// What becomes of a pool's wishes, and how news go from pool to pool.
extension ClusterCore {
    mutating func obey(
        _ wanted: Membership.Directive, of pool: GossipPool, now: Duration, into directives: inout [Directive]
    ) {
        switch wanted {
        case .changed(let member, let before):
            if pool == .region { noticeChange(of: member, before: before, now: now, into: &directives) }
        case .close(let stream): directives.append(.close(stream, pool: pool))
        case .findSeeds: directives.append(.findSeeds(pool: pool))
        case .hasLeft: finishLeaving(pool, into: &directives)
        case .load(let report): directives.append(.load(report))
        case .news(let rumour): hear(rumour, in: pool, now: now, into: &directives)
        case .open(let stream, let endpoint, let message):
            directives.append(.open(stream, pool: pool, to: endpoint, message))
        case .report(let report): directives.append(.report(report, pool: pool))
        case .send(let datagram, let endpoint): directives.append(.send(datagram, pool: pool, to: endpoint))
        case .storeAnswered(let node): directives.append(.storeAnswered(node))
        case .write(let message, let stream): directives.append(.write(message, on: stream, pool: pool))
        case .writeState(let isAnswer, let stream):
            directives.append(.write(state(of: pool, isAnswer: isAnswer), on: stream, pool: pool))
        }
    }

    /// Applies what is not about members, and tells it on where it was new: in the pool it came from and in the other.
    mutating func hear(_ rumour: Rumour, in pool: GossipPool, now: Duration, into directives: inout [Directive]) {
        switch rumour {
        case .key(let order):
            guard keys.merge(order) else { return }
            directives.append(.keyOrder(order))
            spread(rumour, now: now)
        case .region(let told):
            let summary = told.fitted  // a longer one could not be told on
            guard regions.merge(summary, now: now) else { return }
            directives.append(.region(summary))
            version += 1
            world?.spread(.region(summary), now: now)
            let tellsRegion = pool == .region || speaks && regions.isWorthTelling(summary, now: now)
            if tellsRegion { region.spread(.region(summary), now: now) }
        case .steering(let order):
            guard steering.merge(order, at: unixTime(at: now)) else { return }
            version += 1
            awaitExpiry()
            spread(rumour, now: now)
        case .stream(let told):
            let entry = told.fitted
            guard directory.merge(entry, now: now) else {
                let isLeftOut = directory.isFull && directory.entries[entry.stream] == nil
                if isLeftOut { directives.append(.report(.directoryFull, pool: pool)) }
                return
            }
            directives.append(.stream(entry))
            version += 1
            spread(.stream(entry), now: now)
        case .alive, .dead, .left, .suspect: break
        }
    }

    /// Forgets orders about audiences that do not count any more.
    mutating func expireSteering(now: Duration) {
        if steering.expire(at: unixTime(at: now)) { version += 1 }
        awaitExpiry()
        settleDigest()
    }

    private mutating func awaitExpiry() {
        let left = steering.expiry.map { $0 > boot ? $0 - boot : 0 }
        nextSteering = left.map { begin + min(.milliseconds(Int64(clamping: $0)), .never) } ?? .never
    }

    private mutating func settleDigest() {
        let digest = directory.digest &+ keys.digest &+ steering.digest
        region.directoryDigest = digest
        world?.directoryDigest = digest
    }

    private mutating func spread(_ rumour: Rumour, now: Duration) {
        settleDigest()
        region.spread(rumour, now: now)
        world?.spread(rumour, now: now)
    }

    private func state(of pool: GossipPool, isAnswer: Bool) -> GossipStreamMessage {
        let membership = pool == .world ? world ?? region : region
        return .state(
            members: membership.members, streams: directory.sorted, regions: regions.sorted, keys: keys.sorted,
            steering: steering.sorted, isAnswer: isAnswer)
    }

    private mutating func noticeChange(
        of member: Member, before: Member?, now: Duration, into directives: inout [Directive]
    ) {
        version += 1
        directives.append(.changed(member, before: before))
        let able: NodeRoles = [.origin, .router, .shield]
        let roles = member.description.roles.union(before?.description.roles ?? [])
        if !isLeaving, !roles.isDisjoint(with: able) { nextReview = min(nextReview, now + settings.reviewDelay) }
    }

    private mutating func finishLeaving(_ pool: GossipPool, into directives: inout [Directive]) {
        if pool == .world {
            worldIncarnation = max(worldIncarnation, world?.own.incarnation ?? 0) + 1
            world = nil
        }
        if isLeaving, world == nil, region.hasLeft { directives.append(.hasLeft) }
    }
}
