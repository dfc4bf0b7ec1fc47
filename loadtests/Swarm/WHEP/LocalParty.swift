// SPDX-License-Identifier: Apache-2.0

public import SecureMedia
public import WebRTC

/// Our side of a session, as SDP tells it: a viewer receives one track of video and one of audio, a publisher sends pictures.
public struct LocalParty: Hashable, Sendable {
    /// What signs the other side's checks.
    public let credentials: ICECredentials
    /// Who we are in DTLS.
    public let fingerprint: CertificateFingerprint
    /// Who is to begin the handshake: the other side chooses unless we insist.
    public let setup: DTLSSetup

    /// A side of its parts.
    public init(credentials: ICECredentials, fingerprint: CertificateFingerprint, setup: DTLSSetup = .either) {
        self.credentials = credentials
        self.fingerprint = fingerprint
        self.setup = setup
    }

    /// The offer of a WHEP viewer: all codecs that a load test can read, in any profile, without candidates, as the
    /// server learns the viewer's address from its checks.
    public var offer: SessionDescription {
        var offer = SessionDescription(sessionID: 1, version: 1)
        offer.bundle = ["0", "1"]
        offer.media = [medium(.video, "0", setup), medium(.audio, "1", setup)]
        offer.media[0].formats = Self.pictures
        offer.media[1].formats = [Self.sound]
        return offer
    }

    /// The answer to a server that offers, with the first format of each medium that can be read.
    public func answer(to offer: SessionDescription) -> SessionDescription {
        var answer = SessionDescription(sessionID: 1, version: 1)
        answer.bundle = offer.bundle
        for offered in offer.media {
            var medium = medium(offered.kind, offered.mid ?? "", Self.answer(to: offered.setup, setup))
            medium.formats = Self.readable(offered.formats)
            if medium.formats.isEmpty { medium.port = 0 }
            answer.media.append(medium)
        }
        return answer
    }

    /// A medium that shares our transport, without formats.
    func medium(
        _ kind: MediaKind, _ mid: String, _ setup: DTLSSetup, direction: MediaDirection = .receiveOnly
    ) -> MediaDescription {
        var medium = MediaDescription(kind: kind)
        medium.mid = mid
        medium.direction = direction
        medium.multiplexesRTCP = true
        medium.reducesRTCP = true
        medium.credentials = credentials
        medium.fingerprints = [SDPFingerprint(algorithm: .sha256, bytes: fingerprint.bytes)].compactMap { $0 }
        medium.setup = setup
        return medium
    }

    /// RFC 8842 §5.3: who is left the choice begins, unless he insists on being called.
    private static func answer(to offered: DTLSSetup?, _ own: DTLSSetup) -> DTLSSetup {
        switch offered {
        case .active: .passive
        case .passive: .active
        case .either, nil: own == .passive ? .passive : .active
        }
    }

    private static func readable(_ formats: [PayloadFormat]) -> [PayloadFormat] {
        guard let first = formats.first(where: { $0.codec != nil }) else { return [] }
        let repair = formats.first { $0.isRepair && $0.parameter("apt") == "\(first.payloadType)" }
        return [first] + [repair].compactMap { $0 }
    }

    private static let sound = PayloadFormat(
        payloadType: 111, encoding: "opus", clockRate: 48_000, channels: 2,
        parameters: "minptime=10;useinbandfec=1;stereo=1")

    private static let pictures: [PayloadFormat] = [
        ("H264", "packetization-mode=1;level-asymmetry-allowed=1;profile-level-id=42e01f"),
        ("H264", "packetization-mode=1;level-asymmetry-allowed=1;profile-level-id=42001f"),
        ("H264", "packetization-mode=1;level-asymmetry-allowed=1;profile-level-id=4d001f"),
        ("H264", "packetization-mode=1;level-asymmetry-allowed=1;profile-level-id=64001f"),
        ("H265", ""), ("AV1", ""),
    ].enumerated().flatMap { index, format in
        let type = UInt8(96 + 2 * index)
        return [
            PayloadFormat(
                payloadType: type, encoding: format.0, clockRate: 90_000, parameters: format.1,
                feedback: [.nack, .pictureLoss]),
            PayloadFormat(payloadType: type + 1, encoding: "rtx", clockRate: 90_000, parameters: "apt=\(type)"),
        ]
    }
}
