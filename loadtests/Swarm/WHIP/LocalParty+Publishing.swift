// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import WebRTC

extension LocalParty {
    /// The offer of a WHIP publisher (RFC 9725 §4.2): pictures as they are, with a stream for what is sent again, without
    /// candidates, as the server learns the publisher's address from its checks.
    /// - Parameters:
    ///   - source: the SSRC of the pictures.
    ///   - repair: the SSRC of what is sent again.
    func offer(of pictures: ClipPictures, source: UInt32, repair: UInt32) -> SessionDescription {
        var video = medium(.video, "0", setup, direction: .sendOnly)
        video.formats = [
            PayloadFormat(
                payloadType: Self.payloadType, encoding: pictures.codec.encodingName, clockRate: 90_000,
                parameters: Self.parameters(pictures.parameters), feedback: [.nack, .pictureLoss]),
            PayloadFormat(
                payloadType: Self.payloadType + 1, encoding: "rtx", clockRate: 90_000,
                parameters: "apt=\(Self.payloadType)"),
        ]
        video.streams = [MediaStreamID(stream: Self.name, track: "video")]
        video.sources = [source, repair].map { MediaSource(ssrc: $0, canonicalName: Self.name) }
        video.sourceGroups = [SourceGroup(semantics: .flowIdentification, sources: [source, repair])]
        var offer = SessionDescription(sessionID: 1, version: 1)
        offer.bundle = ["0"]
        offer.media = [video]
        return offer
    }

    /// What a publisher is called in reports, and its stream in offers.
    static let name = "millrace-load"

    /// RFC 6184 §8.1: `profile-level-id` is the three bytes behind the first of `avcC` (ISO/IEC 14496-15 §5.3.3).
    private static func parameters(_ parameters: VideoParameters) -> String {
        guard parameters.codec == .h264 else { return "" }
        let profile = parameters.record.dropFirst().prefix(3).hex
        return "packetization-mode=1;level-asymmetry-allowed=1;profile-level-id=\(profile)"
    }

    private static let payloadType: UInt8 = 96
}

extension RemoteParty {
    /// How packets are written for the server; nil where it takes none of the codec.
    func sendFormat(_ codec: RTPCodec, source: UInt32, repair: UInt32) -> SendFormat? {
        guard let medium = media.first, let type = medium.formats.first(where: { $0.value == .codec(codec) })?.key
        else {
            return nil
        }
        let repairType = medium.formats.first { $0.value == .retransmission(of: type) }?.key
        return SendFormat(
            codec, source: source, payloadType: type,
            repair: repairType.map { SendFormat.Repair(source: repair, payloadType: $0) }, mid: medium.mid,
            extensions: ExtensionMap())
    }
}
