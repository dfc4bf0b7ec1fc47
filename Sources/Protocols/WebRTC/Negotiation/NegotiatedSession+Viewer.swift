// SPDX-License-Identifier: Apache-2.0

extension NegotiatedSession {
    /// Answers the offer of a viewer (WHEP): each medium gets the stream's track of its kind. A medium for which the stream
    /// has no track stays silent (`inactive`); one whose formats do not take the track is refused with the whole offer.
    ///
    /// - Parameters:
    ///   - tracks: at most one of each kind.
    ///   - sessionID: any number; for `o=`.
    /// - Throws: ``OfferRefusal`` with the reason, for the viewer.
    public init(
        viewing offer: SessionDescription, tracks outgoing: [OutgoingTrack], local: LocalTransport, sessionID: UInt64
    ) throws(OfferRefusal) {
        for medium in try offer.activeMedia() where !medium.direction.receives {
            throw .direction(medium.kind, medium.direction)
        }
        let transport = try NegotiatedTransport(of: offer)
        var (answer, tracks) = (offer.emptyAnswer(sessionID: sessionID), [NegotiatedTrack]())
        for medium in offer.media {
            guard !medium.isRefused else {
                answer.media.append(medium.refusedAnswer)
                continue
            }
            guard let track = outgoing.first(where: { $0.codec.kind == medium.kind }) else {
                var silent = medium.emptyAnswer(.inactive, local: local, transport: transport)
                silent.formats = Array(medium.formats.prefix(1))
                answer.media.append(silent)
                continue
            }
            let choice = try ViewedFormat(of: track, in: medium)
            answer.media.append(choice.answer(medium.emptyAnswer(.sendOnly, local: local, transport: transport)))
            tracks.append(choice.track)
        }
        guard !tracks.isEmpty else { throw .nothingToSend }
        answer.close(offer: offer, local: local)
        try self.init(answer: answer, transport: transport, tracks: tracks)
    }
}

/// The format in which a viewer takes a track, and what goes with it.
private struct ViewedFormat {
    private let medium: MediaDescription
    private let outgoing: OutgoingTrack
    private let format: PayloadFormat
    private let retransmission: PayloadFormat?
    private let extensions: [HeaderExtension]

    init(of track: OutgoingTrack, in medium: MediaDescription) throws(OfferRefusal) {
        let ranked = medium.formats.compactMap { format in track.rank(of: format).map { (rank: $0, format: format) } }
        guard let offered = ranked.min(by: { $0.rank < $1.rank })?.format else {
            throw .formats(
                medium.kind, offered: medium.formats.map(\.encoding), wanted: [track.codec.rawValue])
        }
        self.medium = medium
        outgoing = track
        extensions = medium.extensions(Self.wanted(track.codec))
        retransmission = medium.retransmission(of: offered.payloadType)
        var format = offered
        // A stream may have layers later: who can not report arrival says what it believes to be its bandwidth.
        let hasNumbers = extensions.contains { $0.kind == .transportSequenceNumber }
        var known: RTCPFeedback = [.nack, .pictureLoss, .fullIntraRequest]
        known.formUnion(hasNumbers && format.feedback.contains(.transportCC) ? .transportCC : .maximumBitrate)
        format.feedback.formIntersection(known)
        self.format = format
    }

    /// The answer with the format and our sources.
    func answer(_ empty: MediaDescription) -> MediaDescription {
        var answer = empty
        answer.formats = [format] + [retransmission].compactMap { $0 }
        answer.extensions = extensions
        let stream = MediaStreamID(stream: Self.streamName, track: medium.kind.rawValue)
        answer.streams = [stream]
        let ssrcs = [outgoing.ssrc] + (retransmission == nil ? [] : [outgoing.retransmissionSSRC])
        answer.sources = ssrcs.map { MediaSource(ssrc: $0, canonicalName: Self.streamName, stream: stream) }
        if ssrcs.count > 1 {
            answer.sourceGroups = [SourceGroup(semantics: .flowIdentification, sources: ssrcs)]
        }
        return answer
    }

    var track: NegotiatedTrack {
        NegotiatedTrack(
            mid: medium.mid, codec: outgoing.codec, format: format, retransmissionType: retransmission?.payloadType,
            extensions: extensions, rids: [], ssrc: outgoing.ssrc,
            retransmissionSSRC: retransmission == nil ? nil : outgoing.retransmissionSSRC)
    }

    private static func wanted(_ codec: PayloadCodec) -> [HeaderExtensionKind] {
        var wanted: [HeaderExtensionKind] = [
            .mid, .absoluteCaptureTime, .absoluteSendTime, .playoutDelay, .transportSequenceNumber,
        ]
        if codec == .av1 { wanted.append(.dependencyDescriptor) }
        return wanted
    }

    /// One name for the stream and the sender: RFC 8830 §3 and RFC 5576 §6.1 ask for no more than that they agree.
    private static let streamName = "millrace"
}
