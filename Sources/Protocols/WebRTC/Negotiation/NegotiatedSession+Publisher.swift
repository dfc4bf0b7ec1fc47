// SPDX-License-Identifier: Apache-2.0

extension NegotiatedSession {
    /// Answers the offer of a publisher (WHIP, RFC 9725 §4.4): takes all its media, each in one format, or nothing.
    ///
    /// - Parameters:
    ///   - sessionID: any number; for `o=`.
    /// - Throws: ``OfferRefusal`` with the reason, for the publisher.
    public init(
        publishing offer: SessionDescription, local: LocalTransport, sessionID: UInt64,
        settings: NegotiationSettings = NegotiationSettings()
    ) throws(OfferRefusal) {
        for medium in try offer.activeMedia() where !medium.direction.sends {
            throw .direction(medium.kind, medium.direction)
        }
        let transport = try NegotiatedTransport(of: offer)
        var (answer, tracks) = (offer.emptyAnswer(sessionID: sessionID), [NegotiatedTrack]())
        for medium in offer.media {
            guard !medium.isRefused else {
                answer.media.append(medium.refusedAnswer)
                continue
            }
            let choice = try PublishedFormat(of: medium, settings: settings)
            answer.media.append(
                choice.answer(medium.emptyAnswer(.receiveOnly, local: local, transport: transport)))
            tracks.append(choice.track)
        }
        answer.close(offer: offer, local: local)
        try self.init(answer: answer, transport: transport, tracks: tracks)
    }
}

/// The one format in which a publisher's medium is taken, and what goes with it.
private struct PublishedFormat {
    private let medium: MediaDescription
    private let codec: PayloadCodec
    private let format: PayloadFormat
    private let retransmission: PayloadFormat?
    private let extensions: [HeaderExtension]
    private let rids: [String]

    init(of medium: MediaDescription, settings: NegotiationSettings) throws(OfferRefusal) {
        self.medium = medium
        let wanted = settings.publisherCodecs.filter { $0.kind == medium.kind }
        guard let (codec, offered) = Self.choice(among: medium.formats, wanted: wanted) else {
            throw .formats(
                medium.kind, offered: medium.formats.map(\.encoding), wanted: wanted.map(\.rawValue))
        }
        self.codec = codec
        retransmission = medium.retransmission(of: offered.payloadType)
        extensions = Self.extensions(of: medium, feedback: offered.feedback)
        format = Self.answered(offered, codec: codec, extensions: extensions)
        let namesStreams = extensions.contains { $0.kind == .streamID }
        rids = namesStreams ? Self.rids(of: medium, maximum: settings.maximumSimulcastStreams) : []
    }

    /// The answer with the format, its retransmissions, and the streams of simulcast that are taken.
    func answer(_ empty: MediaDescription) -> MediaDescription {
        var answer = empty
        answer.formats = [format] + [retransmission].compactMap { $0 }
        answer.extensions = extensions
        answer.rids = rids.map { RID(id: $0, isReceived: true) }
        answer.simulcast.receive = rids.map { [Simulcast.Alternative(id: $0)] }
        return answer
    }

    var track: NegotiatedTrack {
        let group = medium.sourceGroups.first { $0.semantics == .flowIdentification }
        return NegotiatedTrack(
            mid: medium.mid, codec: codec, format: format, retransmissionType: retransmission?.payloadType,
            extensions: extensions, rids: rids, ssrc: medium.sources.first?.ssrc ?? group?.sources.first,
            retransmissionSSRC: group.flatMap { $0.sources.count > 1 ? $0.sources[1] : nil })
    }

    /// The first of the codecs wanted that is offered; of its formats the first that suits best.
    private static func choice(
        among formats: [PayloadFormat], wanted: [PayloadCodec]
    ) -> (PayloadCodec, PayloadFormat)? {
        for codec in wanted {
            let offered = formats.filter { PayloadCodec($0) == codec }
            let ranked = offered.map { (rank: rank($0, codec), format: $0) }
            if let best = ranked.min(by: { $0.rank < $1.rank }) { return (codec, best.format) }
        }
        return nil
    }

    /// H.264 in packetization mode 1 before mode 0, which has no fragments; profile 0 of VP9 and AV1, which all players
    /// take, before the others. Among equals the publisher's order decides.
    private static func rank(_ format: PayloadFormat, _ codec: PayloadCodec) -> Int {
        switch codec {
        case .h264: format.parameter("packetization-mode") == "1" ? 0 : 1
        case .vp9: format.parameter("profile-id") ?? "0" == "0" ? 0 : 1
        case .av1: format.parameter("profile") ?? "0" == "0" ? 0 : 1
        case .hevc, .opus, .vp8: 0
        }
    }

    /// What is turned down is turned down for a reason: with `videoOrientation` phones would send their pictures lying on
    /// the side, and nothing behind WebRTC would turn them.
    private static func extensions(of medium: MediaDescription, feedback: RTCPFeedback) -> [HeaderExtension] {
        var wanted: [HeaderExtensionKind] = [.mid, .absoluteCaptureTime, .transportSequenceNumber]
        if medium.kind == .video { wanted += [.streamID, .repairedStreamID] }
        let reportsArrival =
            feedback.contains(.transportCC) && medium.extensions.contains { $0.kind == .transportSequenceNumber }
        if !reportsArrival { wanted.append(.absoluteSendTime) }
        return medium.extensions(wanted)
    }

    /// RFC 6184 §8.2.2 and its like: the parameters are given back as offered. Opus may come in stereo (RFC 7587 §6.1),
    /// which browsers send only where the answer says so.
    private static func answered(
        _ offered: PayloadFormat, codec: PayloadCodec, extensions: [HeaderExtension]
    ) -> PayloadFormat {
        var format = offered
        let reportsArrival =
            offered.feedback.contains(.transportCC) && extensions.contains { $0.kind == .transportSequenceNumber }
        format.feedback.formIntersection([.nack, .pictureLoss, .fullIntraRequest])
        format.feedback.formUnion(
            reportsArrival ? .transportCC : offered.feedback.intersection(.maximumBitrate))
        if codec == .opus, offered.parameter("stereo") == nil {
            format.parameters += format.parameters.isEmpty ? "stereo=1" : ";stereo=1"
        }
        return format
    }

    /// The favourite alternative of each stream that is sent.
    private static func rids(of medium: MediaDescription, maximum: Int) -> [String] {
        var ids: [String] = []
        for alternatives in medium.simulcast.send {
            guard let id = alternatives.first?.id, !ids.contains(id), ids.count < maximum else { continue }
            if medium.rids.contains(where: { $0.id == id && !$0.isReceived }) { ids.append(id) }
        }
        return ids
    }
}
