// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The endpoint to which offers are posted: the table of RFC 9725 §4.2 and of WHEP, one row a response.
///
/// Departures: GET is answered without content where the drafts leave it open, and HEAD of a WHEP endpoint says that
/// offers are taken. A preflight is answered without a token and never bears servers' credentials.
public enum SignalingEndpoint {
    /// What is to be done with a request.
    public enum Directive: Hashable, Sendable {
        /// Answer the offer: with `NegotiatedSession`, then ``SignalingEndpoint/created(_:answer:location:iceServers:extensions:)``.
        case negotiate(SessionDescription)
        /// Send the response.
        case respond(SignalingResponse)
    }

    /// Decides on a request.
    public static func directive(
        for request: SignalingRequest, by kind: SignalingProtocol, circumstance: SignalingCircumstance,
        settings: SignalingSettings = SignalingSettings()
    ) -> Directive {
        switch request.method {
        case .options: return .respond(preflight)
        case .get: return .respond(SignalingResponse(204))
        case .head:
            let type = [("Content-Type", SignalingMediaType.sessionDescription)]
            return .respond(kind == .whep ? SignalingResponse(200, type) : SignalingResponse(204))
        case .post: break
        case .delete, .patch, nil:
            return .respond(.problem(405, "offers are posted here", [("Allow", "OPTIONS, GET, HEAD, POST")]))
        }
        if let refusal = refusal(of: request, circumstance, settings) { return .respond(refusal) }
        do {
            return .negotiate(try SessionDescription(parsing: request.body, limits: settings.offer))
        } catch {
            return .respond(.refused(error))
        }
    }

    /// The response to an offer that was answered.
    ///
    /// - Parameters:
    ///   - location: the absolute URL of the session, on the node that has it: PATCH and DELETE need not follow a redirect.
    ///   - iceServers: STUN and TURN servers, with credentials for this client.
    ///   - extensions: URLs of WHEP's extensions and the name of each behind `urn:ietf:params:whep:ext:`.
    public static func created(
        _ session: SignalingSession, answer: SessionDescription, location: String, iceServers: [ICEServer] = [],
        extensions: [(url: String, name: String)] = []
    ) -> SignalingResponse {
        var fields = [
            ("Content-Type", SignalingMediaType.sessionDescription), ("Location", location),
            ("ETag", session.entityTag), ("Accept-Patch", SignalingMediaType.trickleFragment),
            ("Cache-Control", "no-store"),
        ]
        fields += iceServers.map { ("Link", $0.link) }
        fields += extensions.map { ("Link", "<\($0.url)>; rel=\"urn:ietf:params:whep:ext:\($0.name)\"") }
        return SignalingResponse(201, fields, body: answer.text)
    }

    private static var preflight: SignalingResponse {
        SignalingResponse(
            200,
            [
                ("Accept-Post", SignalingMediaType.sessionDescription),
                ("Access-Control-Allow-Methods", "OPTIONS, GET, HEAD, POST, PATCH, DELETE"),
                ("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match"),
                ("Access-Control-Max-Age", "86400"),
            ])
    }

    /// Who may not, learns nothing else; then what is wrong with the request, then where and when it would do.
    private static func refusal(
        of request: SignalingRequest, _ circumstance: SignalingCircumstance, _ settings: SignalingSettings
    ) -> SignalingResponse? {
        switch circumstance {
        case .unauthorized(let reason):
            return .problem(401, reason, [("WWW-Authenticate", "Bearer")])
        case .forbidden(let reason): return .problem(403, reason)
        case .rateLimited(let wait):
            return .problem(429, "too many sessions were asked for", [("Retry-After", wait.retryAfter)])
        default: break
        }
        guard request.hasContent(SignalingMediaType.sessionDescription) else {
            let fields = [("Accept-Post", SignalingMediaType.sessionDescription)]
            return .problem(415, "an offer of the type application/sdp is wanted", fields)
        }
        guard request.accepts(SignalingMediaType.sessionDescription) else {
            return .problem(406, "the answer would be of the type application/sdp")
        }
        guard request.body.count <= settings.offer.length.bytes else {
            return .problem(413, "offers have at most \(settings.offer.length)")
        }
        return refusal(circumstance)
    }

    private static func refusal(_ circumstance: SignalingCircumstance) -> SignalingResponse? {
        switch circumstance {
        case .elsewhere(let location): SignalingResponse(307, [("Location", location), ("Cache-Control", "no-store")])
        case .nameTaken: .problem(409, "somebody else publishes this stream")
        case .noSource(let wait):
            .problem(409, "nobody publishes this stream", [("Retry-After", wait.retryAfter)])
        case .overloaded(let wait):
            .problem(503, "this node takes no more sessions", [("Retry-After", wait.retryAfter)])
        case .unknownStream(let reason): .problem(404, reason)
        case .ready, .unauthorized, .forbidden, .rateLimited: nil
        }
    }
}
