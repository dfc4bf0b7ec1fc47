// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Identity

/// What a shell feeds.
extension ClusterCore {
    /// Takes a datagram that was opened with a key of the cluster and bore the tag of `pool`.
    public mutating func receive(
        _ datagram: GossipDatagram, from endpoint: Endpoint, pool: GossipPool, now: Duration,
        into directives: inout [Directive]
    ) {
        work(in: pool, now: now, into: &directives) { membership, wanted in
            membership.receive(datagram, from: endpoint, now: now, into: &wanted)
        }
    }

    /// Takes a message that came on a stream. A node that is no ambassador answers for its region's: whoever looks for
    /// the pool between regions needs to know any node of each.
    public mutating func receive(
        _ message: GossipStreamMessage, on stream: GossipStream, pool: GossipPool, now: Duration,
        into directives: inout [Directive]
    ) {
        if case .state(_, let streams, let summaries, let orders, let steering, _) = message {
            for entry in streams { hear(.stream(entry), in: pool, now: now, into: &directives) }
            for summary in summaries { hear(.region(summary), in: pool, now: now, into: &directives) }
            for order in orders { hear(.key(order), in: pool, now: now, into: &directives) }
            for order in steering { hear(.steering(order), in: pool, now: now, into: &directives) }
        }
        guard pool == .region || world != nil else {
            refer(message, on: stream, into: &directives)
            return
        }
        work(in: pool, now: now, into: &directives) { membership, wanted in
            membership.receive(message, on: stream, now: now, into: &wanted)
        }
    }

    /// Sending a datagram gave an error at once.
    public mutating func sendFailed(
        to endpoint: Endpoint, pool: GossipPool, now: Duration, using random: inout some RandomNumberGenerator,
        into directives: inout [Directive]
    ) {
        work(in: pool, now: now, into: &directives) { membership, wanted in
            membership.sendFailed(to: endpoint, now: now, using: &random, into: &wanted)
        }
    }

    /// Takes the seeds that `.findSeeds` asked for.
    public mutating func found(
        seeds: [Endpoint], pool: GossipPool, now: Duration, using random: inout some RandomNumberGenerator,
        into directives: inout [Directive]
    ) {
        let own = region.own.id
        let others = pool == .region ? [] : ambassadors.filter { $0 != own }.compactMap { region.member($0) }
        let all = seeds + others.map(\.description.gossip).filter { !seeds.contains($0) }
        work(in: pool, now: now, into: &directives) { membership, wanted in
            membership.found(seeds: all, using: &random, into: &wanted)
        }
    }

    /// Does what is due.
    public mutating func tick(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        if now >= region.nextDeadline {
            work(in: .region, now: now, into: &directives) { $0.tick(now: now, using: &random, into: &$1) }
        }
        if let due = world?.nextDeadline, now >= due {
            work(in: .world, now: now, into: &directives) { $0.tick(now: now, using: &random, into: &$1) }
        }
        if now >= nextReview { reviewAmbassadors(now: now, into: &directives) }
        if now >= nextSpeech { speak(now: now, into: &directives) }
        if now >= directory.nextDeadline {
            directory.expire(now: now)
            version += 1
        }
        if now >= regions.nextDeadline, regions.expire(now: now) { version += 1 }
        if now >= nextSteering { expireSteering(now: now) }
    }

    /// Changes what this node says of itself. Its region can not change: that is another node.
    public mutating func set(_ description: NodeDescription, now: Duration, into directives: inout [Directive]) {
        precondition(description.region == region.own.description.region, "\(description.id) can not move")
        for pool in GossipPool.allCases {
            work(in: pool, now: now, into: &directives) { $0.set(description, now: now, into: &$1) }
        }
    }

    /// Tells all regions of a stream. An entry that does not override the known one changes nothing.
    public mutating func publish(_ entry: StreamEntry, now: Duration, into directives: inout [Directive]) {
        hear(.stream(entry), in: .region, now: now, into: &directives)
    }

    /// Tells all regions to do something with a key; this node too is told by a directive.
    public mutating func order(_ order: KeyOrder, now: Duration, into directives: inout [Directive]) {
        hear(.key(order), in: .region, now: now, into: &directives)
    }

    /// Tells all regions of a share of an audience. It follows the known order about the same, whatever the clock that gave
    /// that says.
    public mutating func steer(_ order: SteeringOrder, now: Duration, into directives: inout [Directive]) {
        hear(.steering(steering.following(order)), in: .region, now: now, into: &directives)
    }

    /// Sends an edge's load to the routers of its region, and to its origins, which decide what a CDN is to serve.
    public mutating func report(_ load: LoadReport, now: Duration, into directives: inout [Directive]) {
        let listeners = region.members.filter { member in
            member.health.isLive && !member.description.roles.isDisjoint(with: [.router, .origin])
                && member.id != load.node
        }
        work(in: .region, now: now, into: &directives) { membership, wanted in
            for listener in listeners { membership.send(.load(load), to: listener.description.gossip, into: &wanted) }
        }
    }

    /// Tells the other origins of the region that the store which arbitrates between gateways answers. They are few, and
    /// only they ask; what other regions reach is not told.
    public mutating func storeAnswered(now: Duration, into directives: inout [Directive]) {
        let own = region.own.id
        let origins = region.members.filter { member in
            member.health.isLive && member.description.roles.contains(.origin) && member.id != own
        }
        work(in: .region, now: now, into: &directives) { membership, wanted in
            for origin in origins { membership.send(.storeAnswered, to: origin.description.gossip, into: &wanted) }
        }
    }

    /// Says good-bye in all pools; `.hasLeft` follows, at the latest after the profile's `leaveTime`.
    public mutating func leave(now: Duration, into directives: inout [Directive]) {
        isLeaving = true
        nextReview = .never
        nextSpeech = .never
        for pool in GossipPool.allCases {
            work(in: pool, now: now, into: &directives) { $0.leave(now: now, into: &$1) }
        }
    }
}
