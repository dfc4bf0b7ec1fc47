// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import Edge
import Identity
import Media
import Placement
import RealTime
import Replica
import Router
import Transport
import WebRTC

/// Where viewers come in by WHEP: the edge of this node, or the one that the router chooses.
struct EdgeDoor: ViewerDoor {
    /// nil where the node is no edge.
    let edge: EdgeState?
    /// nil where the node routes nobody.
    let router: RouterDesk?
    let routing: RouterFrontSettings
    let policy: AccessPolicy

    func admit(_ caller: SignalingCaller) -> ViewerAdmission {
        var random = SystemRandomNumberGenerator()
        let session = policy.session(
            of: caller.stream, token: caller.token.map { "~" + $0 }, now: SystemClock.wall(), using: &random)
        switch session {
        case .refuse(let refusal): return .stop(refusal.circumstance)
        case .allow(let token):
            if let router, !caller.hasBeenSent, let answer = route(caller, token, by: router) { return answer }
            return serve(caller)
        }
    }

    func welcome(_ viewer: UInt64, to replica: StreamReplica) -> Bool {
        edge?.welcome(viewer, as: .whep, to: replica) ?? false
    }

    func farewell(_ viewer: UInt64, from replica: StreamReplica) { edge?.farewell(viewer, from: replica) }

    private func serve(_ caller: SignalingCaller) -> ViewerAdmission {
        guard let replica = edge?.replica(of: caller.stream), !replica.isOver,
            replica.parameters != nil || replica.isExpected
        else { return .stop(.noSource(retryAfter: .seconds(2))) }
        return .here(replica)
    }

    /// nil where the viewer is served here.
    private func route(_ caller: SignalingCaller, _ token: ViewerToken, by router: RouterDesk) -> ViewerAdmission? {
        guard let entry = router.entry(caller.stream), entry.state != .ended else {
            return edge == nil ? .stop(.noSource(retryAfter: .seconds(2))) : nil
        }
        switch router.route(token.session, to: caller.stream, from: origin(of: caller), mayLeave: true) {
        case .here: return nil
        case .nowhere: return .stop(.overloaded(retryAfter: .seconds(2)))
        case .region(let url): return elsewhere(caller, token, at: url, sentBy: "region")
        case .edges(let first, let second):
            let chosen = caller.avoids(first.description.viewerURL) ? second ?? first : first
            if chosen.id == router.snapshot.view.node { return nil }
            return elsewhere(caller, token, at: chosen.description.viewerURL, sentBy: "router")
        }
    }

    private func elsewhere(
        _ caller: SignalingCaller, _ token: ViewerToken, at url: String, sentBy sender: String
    ) -> ViewerAdmission {
        .stop(.elsewhere(caller.location(at: url, sentBy: sender, token: String(token.text.dropFirst()))))
    }

    private func origin(of caller: SignalingCaller) -> ViewerOrigin {
        routing.origin(of: caller.peer, forwardedFor: caller.forwardedFor, region: caller.region)
    }
}
