// SPDX-License-Identifier: Apache-2.0

import Identity
import RTMP
import Replica
import Router

/// Sends publishers that come by RTMP to an origin. An encoder that knows how (Enhanced RTMP v2, ReconnectRequest) goes
/// there by itself; to the others the refusal says where to publish.
struct PublisherRouter: RTMPPublishDoor {
    private let desk: RouterDesk

    /// A door of a node that is no origin.
    init(desk: RouterDesk) { self.desk = desk }

    /// Refuses, and says where to go.
    func publish(
        _ request: PublishRequest, on connection: RTMPConnection
    ) -> Result<any RTMPIntake, RTMPRefusal> {
        guard let id = try? request.streamID(), let url = desk.publisherURL(for: id) else {
            return .failure(RTMPRefusal(.denied("No origin takes publishers now.")))
        }
        connection.sendElsewhere(to: "\(url)/\(id.app)", because: "This node takes no publishers.")
        return .failure(RTMPRefusal(.denied("Publish to \(url)/\(id.app)/\(id.name) instead.")))
    }
}
