// SPDX-License-Identifier: Apache-2.0

import Media
import RTP
import SecureMedia
import WebRTC

/// What of a session is chosen before its offer is answered.
struct SessionDraft {
    let id: SignalingSessionID
    let local: ICELocalCredentials
    /// What a viewer is known by.
    let viewerNumber: UInt64
    /// The source of reports to a publisher.
    let reportSource: UInt32
    private let candidates: [ICECandidate]
    private let identity: DTLSIdentity
    private var random = SystemRandomNumberGenerator()

    init(candidates: [ICECandidate], identity: DTLSIdentity) {
        id = .random(using: &random)
        local = .random(using: &random)
        viewerNumber = random.next()
        reportSource = UInt32.random(in: 1...UInt32.max, using: &random)
        self.candidates = candidates
        self.identity = identity
    }

    /// Answers a viewer. AAC is left out: no browser takes it over RTP.
    mutating func answer(
        viewing offer: SessionDescription, _ tracks: [Track]
    ) throws(OfferRefusal) -> NegotiatedSession {
        let number = random.next() >> 1
        var outgoing: [WebRTC.OutgoingTrack] = []
        for track in tracks where !outgoing.contains(where: { $0.codec.kind == track.mediaKind }) {
            if let track = outgoingTrack(track) { outgoing.append(track) }
        }
        return try NegotiatedSession(viewing: offer, tracks: outgoing, local: transport, sessionID: number)
    }

    /// Answers a publisher.
    mutating func answer(publishing offer: SessionDescription) throws(OfferRefusal) -> NegotiatedSession {
        try NegotiatedSession(publishing: offer, local: transport, sessionID: random.next() >> 1)
    }

    /// Where the numbers of each track begin.
    func beginnings(_ negotiated: NegotiatedSession) -> [(sequence: UInt16, timestamp: UInt32)] {
        var random = random
        return negotiated.tracks.map { _ in (UInt16(random.next() & 0x7FFF as UInt64), random.next()) }
    }

    /// The session, to be parked.
    func session(
        _ negotiated: NegotiatedSession, _ plan: SessionPlan, _ settings: ICESettings, now: Duration
    ) -> ParkedSession {
        guard let peer = CertificateFingerprint(bytes: negotiated.transport.fingerprint.bytes) else {
            preconditionFailure("a fingerprint of SHA-256 that has not its length")
        }
        return ParkedSession(
            id: id, began: now, ice: ICESession(credentials: local, settings: settings, now: now), identity: identity,
            role: negotiated.transport.setup == .active ? .active : .passive, peer: peer, plan: plan)
    }

    private var transport: LocalTransport {
        guard let fingerprint = SDPFingerprint(algorithm: .sha256, bytes: identity.fingerprint.bytes) else {
            preconditionFailure("a fingerprint of SHA-256 that has not its length")
        }
        return LocalTransport(credentials: local, fingerprint: fingerprint, candidates: candidates)
    }

    private mutating func outgoingTrack(_ track: Track) -> WebRTC.OutgoingTrack? {
        let (ssrc, repair) = (
            UInt32.random(in: 1...UInt32.max, using: &random), UInt32.random(in: 1...UInt32.max, using: &random)
        )
        func outgoing(
            _ codec: PayloadCodec, _ profile: H264Profile? = nil, _ number: UInt8 = 0
        ) -> WebRTC.OutgoingTrack {
            WebRTC.OutgoingTrack(
                codec: codec, h264Profile: profile, profile: number, ssrc: ssrc, retransmissionSSRC: repair)
        }
        switch track.parameters {
        case .audio(let audio): return audio.codec == .opus && audio.channels <= 2 ? outgoing(.opus) : nil
        case .video(let video):
            let record = Array(video.record.prefix(4))
            guard record.count == 4 else { return nil }
            switch video.codec {
            // ISO/IEC 14496-15 §5.3.3.1.2: the profile, its constraints and the level stand behind the version.
            case .h264:
                return outgoing(.h264, H264Profile(profile: record[1], constraints: record[2], level: record[3]))
            case .hevc: return outgoing(.hevc)
            // AV1-ISOBMFF §2.3.3: seq_profile is in the upper three bits behind the version.
            case .av1: return outgoing(.av1, nil, record[1] >> 5)
            case .vp8: return outgoing(.vp8)
            // VP-ISOBMFF §2.2: the profile comes first.
            case .vp9: return outgoing(.vp9, nil, record[0])
            case .aac, .opus: return nil
            }
        }
    }
}

extension Track {
    fileprivate var mediaKind: MediaKind { codec.isVideo ? .video : .audio }
}
