// SPDX-License-Identifier: Apache-2.0

/// One track as offer and answer agree on it: all that whoever reads or writes its RTP needs.
public struct NegotiatedTrack: Hashable, Sendable {
    /// `mid`, where the offer has one.
    public let mid: String?
    /// The encoding.
    public let codec: PayloadCodec
    /// The format, as the answer has it.
    public let format: PayloadFormat
    /// The payload type of retransmissions (RFC 4588); nil for none.
    public let retransmissionType: UInt8?
    /// The header extensions that both sides know.
    public let extensions: [HeaderExtension]
    /// The streams of simulcast, the sender's order; empty for one stream without a name.
    public let rids: [String]
    /// The source: the publisher's where its offer names one, ours towards a viewer.
    public let ssrc: UInt32?
    /// The source of retransmissions.
    public let retransmissionSSRC: UInt32?

    /// The number of a header extension; nil where it is not agreed on.
    public func extensionID(_ kind: HeaderExtensionKind) -> UInt8? { extensions.first { $0.kind == kind }?.id }
}

/// An answer and what was agreed on with it.
public struct NegotiatedSession: Hashable, Sendable {
    /// What to send back.
    public let answer: SessionDescription
    /// ICE and DTLS.
    public let transport: NegotiatedTransport
    /// The tracks, in the offer's order.
    public let tracks: [NegotiatedTrack]

    /// Checks what only the whole shows: bundled media are told apart by their payload types as well (RFC 9143 §9.2).
    init(
        answer: SessionDescription, transport: NegotiatedTransport, tracks: [NegotiatedTrack]
    ) throws(OfferRefusal) {
        var types: Set<UInt8> = []
        for type in tracks.flatMap({ [$0.format.payloadType] + [$0.retransmissionType].compactMap { $0 } }) {
            guard types.insert(type).inserted else { throw .sharedPayloadType(type) }
        }
        self.answer = answer
        self.transport = transport
        self.tracks = tracks
    }
}
