// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The resource of one session of WHIP or WHEP, from the answered offer to DELETE: trickled candidates, restarts of ICE,
/// and the end (RFC 9725 §4.2, §4.3).
///
/// The entity tag is the fragment of the ICE generation in force, so a request made before a restart is refused after it.
/// Candidates that trickle are read and checked, and of no further use: a lite agent sends no checks, it learns where
/// the other party is from the checks that come.
///
/// Departure: new credentials restart ICE also under the tag in force, where RFC 9725 §4.3.2 wants `*`. They can mean
/// nothing else.
public struct SignalingSession: Sendable {
    /// What the shell is to do, in order.
    public enum Directive: Hashable, Sendable {
        /// End the session: no more media, DTLS's close_notify.
        case close
        /// Send the response.
        case respond(SignalingResponse)
        /// Give these credentials to ICE.
        case restart(ICELocalCredentials)
    }

    /// By what the session is known in its URL.
    public let id: SignalingSessionID
    private let settings: SignalingSettings
    private let answer: SessionDescription
    private var local: ICELocalCredentials
    private var remote: ICECredentials
    private var patchSecond: Int64 = 0
    private var patches = 0

    /// Begins with what was negotiated.
    public init(
        id: SignalingSessionID, negotiated: NegotiatedSession, local: ICELocalCredentials,
        settings: SignalingSettings = SignalingSettings()
    ) {
        self.id = id
        self.settings = settings
        self.local = local
        answer = negotiated.answer
        remote = negotiated.transport.credentials
    }

    /// The entity tag in force, quoted.
    public var entityTag: String { "\"\(local.fragment)\"" }

    /// Takes a request for the session, whose sender may make it.
    public mutating func receive(
        _ request: SignalingRequest, now: Duration, using random: inout some RandomNumberGenerator
    ) -> [Directive] {
        switch request.method {
        case .delete: return [.close, .respond(SignalingResponse(200))]
        case .get, .head: return [.respond(SignalingResponse(204))]
        case .options: return [.respond(preflight)]
        case .patch: return patch(request, now: now, using: &random)
        case .post, nil:
            let fields = [("Allow", "OPTIONS, GET, HEAD, PATCH, DELETE")]
            return [.respond(.problem(405, "sessions are patched and deleted", fields))]
        }
    }
}

extension SignalingSession {
    private mutating func patch(
        _ request: SignalingRequest, now: Duration, using random: inout some RandomNumberGenerator
    ) -> [Directive] {
        if let refusal = refusal(of: request, now: now) { return [.respond(refusal)] }
        do {
            let fragment = try TrickleFragment(parsing: request.body, limits: settings.fragment)
            guard let credentials = fragment.credentials, credentials != remote else {
                return [.respond(SignalingResponse(204))]
            }
            return restart(with: credentials, using: &random)
        } catch {
            return [.respond(.refused(error))]
        }
    }

    private mutating func refusal(of request: SignalingRequest, now: Duration) -> SignalingResponse? {
        let second = now.components.seconds
        patches = second == patchSecond ? patches + 1 : 1
        patchSecond = second
        guard patches <= settings.patchesPerSecond else {
            return .problem(429, "too many changes in a second", [("Retry-After", "1")])
        }
        guard request.hasContent(SignalingMediaType.trickleFragment) else {
            let fields = [("Accept-Patch", SignalingMediaType.trickleFragment)]
            return .problem(415, "a fragment of the type application/trickle-ice-sdpfrag is wanted", fields)
        }
        guard request.body.count <= settings.fragment.length.bytes else {
            return .problem(413, "fragments have at most \(settings.fragment.length)")
        }
        guard let ifMatch = request.ifMatch else { return .problem(428, "If-Match is missing") }
        guard matches(ifMatch) else { return .problem(412, "If-Match names an ICE session that is over") }
        return nil
    }

    /// RFC 9110 §13.1.1: `*` or a list of tags. RFC 9725 writes the star in quotes.
    private func matches(_ ifMatch: String) -> Bool {
        ifMatch.split(separator: ",").map(\.trimmed).contains { $0 == "*" || $0 == "\"*\"" || $0 == entityTag }
    }

    /// RFC 9725 §4.3.2. DTLS, SRTP and the sources go on; only the credentials are new, and with them the tag.
    private mutating func restart(
        with credentials: ICECredentials, using random: inout some RandomNumberGenerator
    ) -> [Directive] {
        remote = credentials
        local = .random(using: &random)
        let tagged = answer.media.first { $0.hasEndOfCandidates }
        var fragment = TrickleFragment()
        fragment.credentials = local.credentials
        fragment.iceOptions = tagged?.iceOptions ?? []
        fragment.isICELite = true
        fragment.bundle = answer.bundle
        fragment.mid = tagged?.mid
        fragment.kind = tagged?.kind ?? .audio
        fragment.candidates = tagged?.candidates ?? []
        fragment.hasEndOfCandidates = true
        let fields = [
            ("Content-Type", SignalingMediaType.trickleFragment), ("ETag", entityTag), ("Cache-Control", "no-store"),
        ]
        return [.restart(local), .respond(SignalingResponse(200, fields, body: fragment.text))]
    }

    private var preflight: SignalingResponse {
        SignalingResponse(
            200,
            [
                ("Accept-Patch", SignalingMediaType.trickleFragment),
                ("Access-Control-Allow-Methods", "OPTIONS, GET, HEAD, PATCH, DELETE"),
                ("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match"),
                ("Access-Control-Max-Age", "86400"),
            ])
    }
}
