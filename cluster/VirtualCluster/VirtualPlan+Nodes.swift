// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity

extension VirtualPlan {
    /// What a node says of itself: the first three of each region are origins and routers, the others edges.
    func description(of number: Int) -> NodeDescription {
        guard let id = NodeID(parsing: "n\(number)"), let region = Region(parsing: "r\(number % regions)"),
            let zone = Zone(parsing: "z\(number % 3)")
        else { preconditionFailure("node \(number)") }
        let endpoint = address(of: number)
        return NodeDescription(
            id: id, roles: number / regions < 3 ? [.origin, .router] : .edge, region: region, zone: zone,
            gossip: endpoint, relay: Endpoint(address: endpoint.address, port: 7947),
            viewerURL: "https://n\(number).example")
    }

    /// Where a node finds others: the first of its region, or the first two of every region.
    func seeds(of node: Int, pool: GossipPool) -> [Endpoint] {
        switch pool {
        case .region:
            stride(from: node % regions, to: nodes, by: regions).prefix(seedsPerRegion).map(address)
        case .world:
            (0..<regions).flatMap { region in stride(from: region, to: nodes, by: regions).prefix(2) }.map(address)
        }
    }

    func address(of number: Int) -> Endpoint {
        Endpoint(address: .v4(0x0A00_0000 + UInt32(number)), port: 7946)
    }
}
