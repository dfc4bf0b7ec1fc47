// SPDX-License-Identifier: Apache-2.0

/// What holds for every offer, whoever sends.
extension SessionDescription {
    /// The media that are not refused, after the checks that all of them must pass.
    func activeMedia() throws(OfferRefusal) -> [MediaDescription] {
        let active = media.filter { !$0.isRefused }
        guard !active.isEmpty else { throw .noMedia }
        for kind in [MediaKind.audio, .video] where active.count(where: { $0.kind == kind }) > 1 {
            throw .tooMany(kind)
        }
        for medium in active {
            guard medium.kind != .other else { throw .unsupported }
            guard medium.profile.contains("RTP/SAVP") else { throw .profile(medium.profile) }
            guard medium.multiplexesRTCP else { throw .separateRTCP }
        }
        // One medium alone needs no bundle; several must be in it.
        let isBundled = active.allSatisfy { medium in medium.mid.map { bundle.contains($0) } ?? false }
        guard active.count == 1 || isBundled else { throw .notBundled }
        return active
    }

    /// The answer to this offer, without media: everything of ours that does not depend on them.
    func emptyAnswer(sessionID: UInt64) -> SessionDescription {
        var answer = SessionDescription(sessionID: sessionID, version: 1)
        answer.isICELite = true
        answer.allowsMixedExtensionHeaders = allowsMixedExtensionHeaders
        return answer
    }
}

extension MediaDescription {
    /// The answer to these media without anything about their formats.
    func emptyAnswer(
        _ direction: MediaDirection, local: LocalTransport, transport: NegotiatedTransport
    ) -> MediaDescription {
        var answer = MediaDescription(kind: kind, profile: profile)
        answer.mid = mid
        answer.direction = direction
        answer.multiplexesRTCP = true
        answer.onlyMultiplexesRTCP = onlyMultiplexesRTCP
        answer.reducesRTCP = reducesRTCP
        answer.credentials = local.credentials.credentials
        answer.iceOptions = ["ice2", "trickle"]
        answer.fingerprints = [local.fingerprint]
        answer.setup = transport.setup
        return answer
    }

    /// The answer to media that the offer refuses itself: refused, with something to list.
    var refusedAnswer: MediaDescription {
        var answer = MediaDescription(kind: kind, port: 0, profile: profile)
        answer.mid = mid
        answer.direction = .inactive
        answer.formats = Array(formats.prefix(1))
        return answer
    }

    /// The retransmission format of a payload type, RFC 4588 §8.
    func retransmission(of payloadType: UInt8) -> PayloadFormat? {
        formats.first { format in
            format.encoding.lowercased() == "rtx" && format.parameter("apt").flatMap { UInt8($0) } == payloadType
        }
    }

    /// Those of the offered header extensions that are wanted, by their numbers.
    func extensions(_ wanted: [HeaderExtensionKind]) -> [HeaderExtension] {
        extensions.filter { wanted.contains($0.kind) }
    }
}

extension SessionDescription {
    /// Puts the answered media together: the candidates stand at the first that is not refused, and all such media are in
    /// the bundle, if the offer had one.
    mutating func close(offer: SessionDescription, local: LocalTransport) {
        bundle = offer.bundle.filter { mid in media.contains { $0.mid == mid && !$0.isRefused } }
        guard let first = media.firstIndex(where: { !$0.isRefused }) else { return }
        let tagged = media.firstIndex { $0.mid != nil && $0.mid == bundle.first } ?? first
        media[tagged].candidates = local.candidates
        media[tagged].hasEndOfCandidates = true
    }
}
