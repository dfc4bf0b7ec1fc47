// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Identity

/// Finding a pool, and finding again what was cut off.
extension Membership {
    /// The seeds as they resolve now; none where there is no answer. This node's own address may be among them. All that
    /// are not live members are asked for their state, at most three at a time.
    public mutating func found(
        seeds: [Endpoint], using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        guard case .no = leaving else { return }
        let known = Set(table.live.map { table[$0].description.gossip })
        let strangers = seeds.filter { $0 != own.description.gossip && !known.contains($0) }
        for seed in strangers.shuffled(using: &random).prefix(Self.seedsAtOnce) {
            openComparison(with: seed, into: &directives)
        }
    }

    /// Asks for seeds: alone, after a random time that grows ("full jitter"), for ever; else now and then, so that a
    /// pool whose halves have forgotten each other is one again.
    mutating func seek(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        guard case .no = leaving else {
            seeking.next = .never
            return
        }
        directives.append(.findSeeds)
        if table.live.isEmpty {
            seeking.next = now + seeking.backOff(settings, using: &random)
        } else {
            seeking.attempts = 0
            seeking.next = now + settings.seedInterval
        }
    }

    /// A node of this one's name lives elsewhere, and this node is no member of anything yet.
    func ownerOfOurName(in members: [Member]) -> Endpoint? {
        guard table.live.isEmpty else { return nil }
        return members.first { member in
            member.id == own.id && member.health.isLive && member.description.gossip != own.description.gossip
        }?.description.gossip
    }

    /// A node that knows only itself and bears the name of a live member at another address.
    func newcomerWithATakenName(in members: [Member]) -> NodeID? {
        guard members.count == 1, let other = members.first, let known = member(other.id) else { return nil }
        return known.health.isLive && known.description.gossip != other.description.gossip ? known.id : nil
    }

    /// Keeps the established of two nodes of one name; the other has its turn when that one is gone, as it is where a
    /// node was moved to another address and its death is not known yet.
    mutating func contend(
        _ description: NodeDescription, incarnation: UInt64, with established: Member,
        into directives: inout [Directive]
    ) {
        let known = contenders[description.id]
        guard known.map({ $0.incarnation < incarnation }) ?? true else { return }
        contenders[description.id] = Member(description: description, incarnation: incarnation, health: .alive)
        guard known == nil else { return }
        directives.append(
            .report(
                .nameConflict(
                    description.id, established: established.description.gossip, other: description.gossip)))
    }

    mutating func admitContender(_ id: NodeID, now: Duration, into directives: inout [Directive]) {
        guard let contender = contenders.removeValue(forKey: id) else { return }
        hearAlive(contender.description, incarnation: contender.incarnation, now: now, into: &directives)
    }

    /// Somebody tells of this node: what is older than its present self needs no word.
    mutating func hearOfOurselves(
        _ description: NodeDescription, incarnation: UInt64, now: Duration, into directives: inout [Directive]
    ) {
        guard incarnation >= own.incarnation, description != own.description || incarnation > own.incarnation else {
            return
        }
        if description.gossip != own.description.gossip {
            directives.append(
                .report(
                    .nameConflict(own.id, established: own.description.gossip, other: description.gossip)))
        } else {
            refute(incarnation, accuser: nil, now: now, into: &directives)
        }
    }

    /// How many seeds are asked at a time.
    private static let seedsAtOnce = 3
}

/// When to ask for seeds.
struct Seeking: Sendable {
    var next: Duration
    var attempts = 0

    init(next: Duration) { self.next = next }

    /// A random time up to a bound that doubles with each attempt.
    mutating func backOff(_ settings: GossipSettings, using random: inout some RandomNumberGenerator) -> Duration {
        let bound = min(settings.joinBackoff.lowerBound * (1 << min(attempts, 20)), settings.joinBackoff.upperBound)
        attempts += 1
        return bound * Double.random(in: 0..<1, using: &random)
    }

    /// Everybody is gone: it is as before joining.
    mutating func hurry(now: Duration, settings: GossipSettings) {
        attempts = 0
        next = min(next, now + settings.joinBackoff.lowerBound)
    }
}
