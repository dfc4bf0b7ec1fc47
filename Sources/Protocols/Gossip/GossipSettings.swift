// SPDX-License-Identifier: Apache-2.0

/// How a pool probes, tells and judges. Each profile trades traffic for the time in which a death is known.
///
/// Figures for the profile `edge`: a death is suspected everywhere after 1.1 s and known after 4.4 s at 50 members, after
/// 1.4 s and 5.3 s at 1000 members with a tenth of all datagrams lost (medians of the simulation).
public struct GossipSettings: Hashable, Sendable {
    /// How often one other member is probed, times (1 + local health). Each member is probed about once in this time.
    public var probeInterval: Duration = .milliseconds(500)
    /// How long the answer to a ping may take before others are asked: at least the 99th percentile of the round trip.
    public var probeTimeout: Duration = .milliseconds(200)
    /// How many others are asked to probe a member that does not answer.
    public var indirectProbes = 3
    /// Whether a member that does not answer is also pinged over a stream. Loss of datagrams alone then accuses nobody.
    public var pingsByStream = true
    /// How often news are told when there are any; the first at once, where nothing was told for as long.
    public var gossipInterval: Duration = .milliseconds(100)
    /// To how many members at a time.
    public var gossipFanout = 3
    /// A suspect has at least this × max(1, log10 n) × `probeInterval` to refute. This less 2 accusers make it so short.
    public var suspicionMultiplier = 4
    /// How much log10 n counts at most. memberlist knows no bound, because there only rumours save a suspect, and those
    /// take longer the more members there are. docs/decisions/0015 has the figures.
    public var largestMagnitude = 2.0
    /// One accuser alone waits this many times longer.
    public var maximumSuspicionMultiplier = 4
    /// How often the whole state is compared with another member's, times ceil(log2 n − 5) + 1 above 32 members.
    public var exchangeInterval: Duration = .seconds(15)
    /// The highest local health plus one; a node at the highest probes this many times slower.
    public var maximumLocalHealth = 8
    /// How long news are also told to the dead, so that one that lives refutes.
    public var gossipToTheDead: Duration = .seconds(30)
    /// How often the state is compared with one of the dead, so that the halves of a parted cluster find each other.
    public var recallInterval: Duration = .seconds(5)
    /// How long the dead and the gone are remembered.
    public var tombstone: Duration = .seconds(24 * 3600)
    /// How long a stream between members may take for its conversation.
    public var streamTimeout: Duration = .seconds(5)
    /// How often the names of the seeds are looked up again.
    public var seedInterval: Duration = .seconds(60)
    /// A node that found nobody tries again after a random time up to this, doubled each time up to `joinBackoff`'s end.
    public var joinBackoff: ClosedRange<Duration> = .milliseconds(500)...(.seconds(15))
    /// How long a node that leaves tells so before it is gone.
    public var leaveTime: Duration = .seconds(2)

    /// The profile `edge`.
    public init() {}

    /// Within a region: the default.
    public static let edge = GossipSettings()

    /// Half of `edge`'s times for half as much traffic again: deaths known after about 2 s.
    public static let fast: GossipSettings = {
        var settings = edge
        settings.probeInterval = .milliseconds(300)
        settings.probeTimeout = .milliseconds(100)
        settings.gossipInterval = .milliseconds(50)
        settings.suspicionMultiplier = 3
        return settings
    }()

    /// What memberlist calls LAN: deaths known after about 9 s.
    public static let lan: GossipSettings = {
        var settings = edge
        settings.probeInterval = .seconds(1)
        settings.probeTimeout = .milliseconds(500)
        settings.largestMagnitude = .infinity
        settings.gossipInterval = .milliseconds(200)
        settings.maximumSuspicionMultiplier = 6
        settings.exchangeInterval = .seconds(30)
        settings.recallInterval = .seconds(30)
        settings.streamTimeout = .seconds(10)
        return settings
    }()

    /// Between regions: round trips of up to 800 ms.
    public static let wan: GossipSettings = {
        var settings = edge
        settings.probeInterval = .seconds(2)
        settings.probeTimeout = .milliseconds(800)
        settings.gossipInterval = .milliseconds(400)
        settings.gossipFanout = 4
        settings.suspicionMultiplier = 5
        settings.maximumSuspicionMultiplier = 6
        settings.exchangeInterval = .seconds(60)
        settings.gossipToTheDead = .seconds(60)
        settings.recallInterval = .seconds(15)
        settings.streamTimeout = .seconds(15)
        return settings
    }()

    /// For tests in real time.
    public static let test: GossipSettings = {
        var settings = edge
        settings.probeInterval = .milliseconds(100)
        settings.probeTimeout = .milliseconds(30)
        settings.indirectProbes = 2
        settings.gossipInterval = .milliseconds(20)
        settings.suspicionMultiplier = 3
        settings.maximumSuspicionMultiplier = 3
        settings.exchangeInterval = .seconds(1)
        settings.gossipToTheDead = .seconds(2)
        settings.recallInterval = .milliseconds(500)
        settings.streamTimeout = .seconds(1)
        settings.joinBackoff = .milliseconds(50)...(.seconds(1))
        return settings
    }()
}

extension GossipSettings {
    /// How often a rumour is told before it is old: ceil(3 ln(n + 1)). With memberlist's 4·ceil(log10(n + 1)) one rumour
    /// in nine does not reach all of 50 members at 25 % loss; with this one in fifty.
    static func transmitLimit(members: Int) -> Int {
        let exact = 3 * Logarithm.natural(Double(members + 1))
        let floor = Int(exact)
        return Double(floor) < exact ? floor + 1 : floor
    }

    /// The shortest time that a suspect has, whoever accuses it.
    func minimumSuspicion(members: Int) -> Duration {
        let logarithm = Logarithm.natural(Double(members)) / Logarithm.natural(10)
        let magnitude = max(1, min(logarithm, largestMagnitude))
        return probeInterval * (Double(suspicionMultiplier) * magnitude)
    }

    /// How many accusers beside the first make a suspicion as short as it gets; 0 where there are not that many.
    func confirmations(members: Int) -> Int {
        let wanted = max(0, suspicionMultiplier - 2)
        return members - 2 < wanted ? 0 : wanted
    }

    /// The time between two comparisons of state that a node begins: what a rumour missed is mended by then.
    public func exchangeInterval(members: Int) -> Duration {
        guard members > 32 else { return exchangeInterval }
        let doublings = Int.bitWidth - (members - 1).leadingZeroBitCount
        return exchangeInterval * (doublings - 5 + 1)
    }
}
