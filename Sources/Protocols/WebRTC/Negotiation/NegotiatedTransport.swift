// SPDX-License-Identifier: Apache-2.0

/// What our side puts into an answer about ICE and DTLS.
public struct LocalTransport: Hashable, Sendable {
    /// Of this session.
    public var credentials: ICELocalCredentials
    /// Of the certificate that we show.
    public var fingerprint: SDPFingerprint
    /// Where we may be reached.
    public var candidates: [ICECandidate]

    /// A transport of its parts.
    public init(credentials: ICELocalCredentials, fingerprint: SDPFingerprint, candidates: [ICECandidate]) {
        self.credentials = credentials
        self.fingerprint = fingerprint
        self.candidates = candidates
    }
}

/// What an offer says about ICE and DTLS, and what comes of it.
public struct NegotiatedTransport: Hashable, Sendable {
    /// The other party's.
    public let credentials: ICECredentials
    /// The SHA-256 of its certificate, which every client gives (RFC 8122 §5), among others perhaps.
    public let fingerprint: SDPFingerprint
    /// `passive`, we are DTLS's server, or `active`, its client: where the other party offers to be passive only.
    public let setup: DTLSSetup

    /// Reads the transport that the active media of an offer share: that of the first in the bundle (RFC 9143 §7.2).
    init(of offer: SessionDescription) throws(OfferRefusal) {
        let media = offer.media.filter { !$0.isRefused }
        let tagged = media.first { $0.mid != nil && $0.mid == offer.bundle.first } ?? media.first
        guard let tagged else { throw .noMedia }
        guard let credentials = tagged.credentials else { throw .noCredentials }
        guard let fingerprint = tagged.fingerprints.first(where: { $0.algorithm == .sha256 }) else {
            throw .noFingerprint
        }
        self.credentials = credentials
        self.fingerprint = fingerprint
        setup = tagged.setup == .passive ? .active : .passive
    }
}
