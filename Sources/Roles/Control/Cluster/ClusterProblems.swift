// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

extension ClusterView {
    /// What an operator should look at, each in a sentence without a full stop; empty where all is well.
    var problems: [String] {
        [
            Self.sentence(about: members.filter { $0.health == .dead }, "is dead", "are dead"),
            Self.sentence(about: members.filter { $0.health == .suspect }, "does not answer", "do not answer"),
            missing(.origin, "no origin of this region takes publishers"),
            missing(.edge, "no edge of this region takes viewers"),
            Self.sentence(counting: orphans, "has lost its gateway", "have lost their gateways"),
            Self.sentence(counting: unguarded, "has no standby", "have no standby"),
        ].compactMap { $0 }
    }

    private var neighbours: [Member] {
        let region = member(node)?.description.region
        return members.filter { $0.description.region == region }
    }

    private func missing(_ role: NodeRoles, _ sentence: String) -> String? {
        neighbours.contains { $0.takesWork && $0.description.roles.contains(role) } ? nil : sentence
    }

    /// Live streams whose gateway is known to be gone.
    private var orphans: Int {
        let gone = Set(members.filter { $0.health >= .dead }.map(\.id))
        return streams.values.count { $0.state == .live && gone.contains($0.gateway) }
    }

    /// Live streams of this region on one origin alone, although there is another.
    private var unguarded: Int {
        let origins = neighbours.filter { $0.takesWork && $0.description.roles.contains(.origin) }
        guard origins.count > 1 else { return 0 }
        let region = member(node)?.description.region
        return streams.values.count { $0.state == .live && $0.region == region && $0.standby == nil }
    }

    private static func sentence(about members: [Member], _ one: String, _ many: String) -> String? {
        guard let first = members.first else { return nil }
        guard members.count > 1 else { return "\(first.id) \(one)" }
        let named = members.prefix(3).map(\.id.description)
        guard members.count > 3 else {
            return named.dropLast().joined(separator: ", ") + " and \(named[named.count - 1]) \(many)"
        }
        return named.joined(separator: ", ") + " and \(members.count - 3) more \(many)"
    }

    private static func sentence(counting streams: Int, _ one: String, _ many: String) -> String? {
        switch streams {
        case 0: nil
        case 1: "1 stream \(one)"
        default: "\(streams) streams \(many)"
        }
    }
}
