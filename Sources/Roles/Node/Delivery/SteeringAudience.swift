// SPDX-License-Identifier: Apache-2.0

import Cluster
import Clustering
import Control
import Router

/// Shares of audiences as the control API sees them: of this node alone, or of its cluster.
struct SteeringAudience: AudienceDesk {
    let desk: SteeringDesk
    let cluster: ClusterPart?

    var isOn: Bool { desk.isOn }

    func orders() -> [SteeringOrder] { desk.steeringOrders }

    func take(_ order: SteeringOrder) -> Bool {
        guard desk.hasRoom(for: order) else { return false }
        if let cluster { cluster.gossip?.steer(order) } else { desk.take(order) }
        return true
    }
}
