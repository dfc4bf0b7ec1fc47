// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Gossip
import Identity

/// Something that must always be true of a cluster. What it says of a breach is nil, or empty, where there is none.
public struct Invariant: Sendable {
    /// What it is called.
    public var name: String
    /// Of a datagram and its size when sealed, when it is sent.
    public var onSend: @Sendable (GossipDatagram, Int) -> String? = { _, _ in nil }
    /// Of what a node believes of a member, and believed before.
    public var onChange: @Sendable (Member, Member?) -> String? = { _, _ in nil }
    /// Of all, when nothing was broken for long.
    public var atRest: @Sendable (borrowing SimulatedCluster) -> [String] = { _ in [] }

    /// An invariant that checks nothing yet.
    public init(_ name: String) { self.name = name }

    /// What must always be true, with the numbers of the design's list: of membership I1 to I5 (I3, accuracy, is a budget
    /// of false deaths: see ``DeathRecord``), of placement I8. I9 and I10 are about streams and viewers, which a scenario
    /// adds: see ``RelayTree`` and ``RoutedViewers``. I6 (terms) and I7 (numbers of segments) are of machines that do not
    /// run here, those that take terms and append to feeds: see ``FailoverWorld``.
    public static let all = [convergence, completeness, monotony, bounds, agreement, movement]

    /// I1: nodes that reach one another believe the same members alive, of the same incarnation, and know the same
    /// streams. I2 with it: and those are the nodes that run.
    static let convergence = {
        var invariant = Invariant("I1 convergence")
        invariant.atRest = { cluster in
            var problems: [String] = []
            let running = cluster.running.filter { cluster.nodes[$0].state == .up }
            for node in running {
                let core = cluster.nodes[node].core
                guard let first = running.first(where: { cluster.isInRegion($0, of: node) }) else { continue }
                let other = cluster.nodes[first].core
                if core.region.digest != other.region.digest {
                    problems.append("\(core.region.own.id) and \(other.region.own.id) believe different members alive")
                }
                if core.directory.digest != other.directory.digest {
                    problems.append("\(core.region.own.id) and \(other.region.own.id) know different streams")
                }
            }
            return problems
        }
        return invariant
    }()

    /// I2: who died or left is not alive in any view, and who runs is.
    static let completeness = {
        var invariant = Invariant("I2 completeness")
        invariant.atRest = { cluster in
            var problems: [String] = []
            for node in cluster.running where cluster.nodes[node].state == .up {
                let expected = cluster.running.filter { cluster.isInRegion($0, of: node) }.count
                let found = cluster.nodes[node].core.region.liveCount
                if expected != found {
                    problems.append("\(cluster.nodes[node].description.id) sees \(found) alive of \(expected)")
                }
            }
            return problems
        }
        return invariant
    }()

    /// I4: an incarnation never grows less, and who was gone comes back only in a greater one.
    static let monotony = {
        var invariant = Invariant("I4 order")
        invariant.onChange = { member, before in
            guard let before else { return nil }
            if member.incarnation < before.incarnation {
                return "\(member.id) go from incarnation \(before.incarnation) to \(member.incarnation)"
            }
            if member.incarnation == before.incarnation, member.health < before.health {
                return "\(member.id) go from \(before.health) to \(member.health) in incarnation \(member.incarnation)"
            }
            return nil
        }
        return invariant
    }()

    /// I5: a sealed datagram is at most 1400 bytes, and no rumour is told more often than the limit.
    static let bounds = {
        var invariant = Invariant("I5 bounds")
        invariant.onSend = { _, size in size > Membership.largestDatagram ? "a datagram of \(size) bytes" : nil }
        invariant.atRest = { cluster in
            cluster.running.compactMap { node in
                let rumours = cluster.nodes[node].core.region.rumours
                return rumours.mostTransmits >= rumours.limit ? "a rumour told \(rumours.mostTransmits) times" : nil
            }
        }
        return invariant
    }()
}

extension SimulatedCluster {
    /// Whether a node is in the region of another, and runs under the name that it has there.
    func isInRegion(_ node: Int, of other: Int) -> Bool {
        nodes[node].description.region == nodes[other].description.region
            && numbers[nodes[node].description.id] == node
    }
}
