// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import Testing

@Suite("The admission of a subscriber")
struct SubscriptionAdmissionTests {
    @Test("accepts whom a holder or one of the first two shields should feed")
    func accepts() throws {
        #expect(try admit(at: "origin-1", "edge-1", .edge) == .accept)
        #expect(try admit(at: "origin-2", "edge-1", .edge, subscribers: 3) == .accept)
        #expect(try admit(at: "origin-1", "shield-1", .homeShield, subscribers: 9) == .accept)
        #expect(try admit(at: shields()[0], "edge-1", .edge, subscribers: 9) == .accept)
        #expect(try admit(at: shields()[1], "edge-1", .edge, subscribers: 9) == .accept)
    }

    @Test("sends the fifth edge on to the first shield, and at most three times")
    func redirects() throws {
        let shields = try shields()
        #expect(try target(admit(at: "origin-1", "edge-1", .edge, subscribers: 4)) == shields[0])
        #expect(try target(admit(at: shields[2], "edge-1", .edge)) == shields[0])
        #expect(try target(admit(at: "origin-1", "edge-1", .edge, subscribers: 4, redirects: 2)) == shields[0])
        #expect(try admit(at: "origin-1", "edge-1", .edge, subscribers: 4, redirects: 3) == .accept)
        #expect(try admit(at: shields[2], "edge-1", .edge, redirects: 3) == .accept)
        #expect(
            try target(admit(at: "origin-1", "edge-1", .edge, subscribers: 4, via: [shields[0]])) == shields[1])
    }

    @Test("sends whom it can not feed to a holder, and refuses when it was sent on three times")
    func notAbove() throws {
        let target = try target(admit(at: "shield-1", "shield-2", .homeShield))
        #expect(target == "origin-1" || target == "origin-2")
        #expect(try admit(at: "shield-1", "shield-2", .homeShield, redirects: 3) == .refuseCircle)
        #expect(try admit(at: "edge-2", "edge-1", .edge, redirects: 3) == .refuseCircle)
    }

    @Test("refuses a feed that passed here, our own, and one of over six hops")
    func circles() throws {
        #expect(try admit(at: "origin-1", "edge-1", .edge, via: ["edge-9", "origin-1"]) == .refuseCircle)
        #expect(try admit(at: "origin-1", "origin-1", .edge) == .refuseCircle)
        #expect(try admit(at: "origin-1", "edge-1", .edge, via: (1...5).map { "edge-\($0)" }) == .accept)
        #expect(try admit(at: "origin-1", "edge-1", .edge, via: (1...6).map { "edge-\($0)" }) == .refuseDistance)
    }

    private func target(_ admission: SubscriptionAdmission) throws -> String {
        guard case .redirect(let upstream, let term) = admission else { return "\(admission)" }
        #expect(term == Term(number: 1, salt: 1))
        return upstream.node.description
    }

    private func shields() throws -> [String] {
        let shields = try home().snapshot(of: "edge-1").shields
        return names(shields.ranking(of: RankingKey(try stream("live/a"))), of: shields)
    }

    private func home() throws -> Nodes {
        var nodes = try Nodes.edges(9)
        try addHome(&nodes, shields: 4)
        return nodes
    }

    private func admit(
        at parent: String, _ child: String, _ level: RelayLevel, subscribers: Int = 0, via: [String] = [],
        redirects: Int = 0
    ) throws -> SubscriptionAdmission {
        let request = SubscriptionRequest(
            node: try node(child), region: .local, level: level, via: try via.map { RankingKey(try node($0)).tag },
            redirects: redirects)
        let entry = try entry(gateway: "origin-1", standby: "origin-2")
        return try home().snapshot(of: parent, streams: [entry]).admit(request, for: entry, subscribers: subscribers)
    }
}
