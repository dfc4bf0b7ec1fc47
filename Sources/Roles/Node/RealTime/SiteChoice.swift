// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird
import RealTime
import WebRTC
import WebServer

/// Everything over HTTP that is not media: paths of WHIP and WHEP go to the sessions, all others to page and API.
struct SiteChoice<Other: HTTPResponder<WebRequestContext>>: HTTPResponder {
    let signaling: SignalingSite
    let other: Other

    func respond(to request: Request, context: WebRequestContext) async throws -> Response {
        guard let path = request.uri.path.removingPercentEncoding, let target = SignalingTarget(path: path) else {
            return try await other.respond(to: request, context: context)
        }
        return try await signaling.respond(to: request, for: target, context: context)
    }
}
