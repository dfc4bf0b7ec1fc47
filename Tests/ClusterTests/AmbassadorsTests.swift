// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Testing

@Suite("Ambassadors")
struct AmbassadorsTests {
    @Test("are three of those that do more than an edge")
    func three() throws {
        let members = try (1...9).map { try member("n\($0)", roles: $0 > 5 ? .edge : [.edge, .origin]) }
        let ambassadors = members.ambassadors(of: .local)
        #expect(ambassadors.count == 3)
        #expect(ambassadors.allSatisfy { ["n1", "n2", "n3", "n4", "n5"].contains($0.description) })
        #expect(members.reversed().ambassadors(of: .local) == ambassadors)
    }

    @Test("are replaced when they are gone or drain, not when they are suspected")
    func replaced() throws {
        let members = try (1...5).map { try member("n\($0)", roles: .router) }
        let first = try #require(members.ambassadors(of: .local).first)
        let changed = { (change: (inout Member) -> Void) in
            members.map { member in
                var member = member
                if member.id == first { change(&member) }
                return member
            }.ambassadors(of: .local)
        }
        #expect(changed { $0.health = .suspect }.first == first)
        #expect(!changed { $0.health = .dead }.contains(first))
        #expect(!changed { $0.description.isDraining = true }.contains(first))
        #expect(changed { $0.health = .dead }.prefix(2) == members.ambassadors(of: .local)[1...])
    }

    @Test("are of their region")
    func regions() throws {
        let elsewhere = try #require(Region(parsing: "us-east"))
        let members = try [member("a", roles: .origin), member("b", roles: .origin, region: elsewhere)]
        #expect(members.ambassadors(of: elsewhere).map(\.description) == ["b"])
    }

    private func member(_ name: String, roles: NodeRoles, region: Region = .local) throws -> Member {
        let id = try #require(NodeID(parsing: name))
        let gossip = Endpoint(address: .v4(1), port: 7946)
        return Member(
            description: NodeDescription(id: id, roles: roles, region: region, gossip: gossip), incarnation: 1,
            health: .alive)
    }
}
