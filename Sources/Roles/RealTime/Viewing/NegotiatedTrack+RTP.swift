// SPDX-License-Identifier: Apache-2.0

import RTP
import WebRTC

extension NegotiatedTrack {
    /// How packets are written for a viewer; nil for a track without a source, as viewers' tracks never are.
    var sendFormat: SendFormat? {
        guard let ssrc else { return nil }
        var repair: SendFormat.Repair?
        if let retransmissionType, let retransmissionSSRC {
            repair = SendFormat.Repair(source: retransmissionSSRC, payloadType: retransmissionType)
        }
        return SendFormat(
            codec.rtp, source: ssrc, payloadType: format.payloadType, repair: repair, mid: mid ?? "",
            extensions: extensionMap)
    }

    /// How packets are read of a publisher.
    var receiveMedia: ReceiveMedia {
        var formats: [UInt8: ReceiveFormat] = [format.payloadType: .codec(codec.rtp)]
        if let retransmissionType { formats[retransmissionType] = .retransmission(of: format.payloadType) }
        var media = ReceiveMedia(mid: mid ?? "", formats: formats)
        media.rids = rids
        // Layers are told apart by what their packets say alone: which source is which, offers do not say.
        if let ssrc, rids.count < 2 { media.sources = [.init(media: ssrc, repair: retransmissionSSRC)] }
        for (ours, theirs) in Self.feedback where format.feedback.contains(ours) { media.feedback.insert(theirs) }
        return media
    }

    /// The numbers of the header extensions.
    var extensionMap: ExtensionMap {
        var map = ExtensionMap()
        for entry in extensions { map.set(uri: entry.kind.rawValue, id: entry.id) }
        return map
    }

    private static let feedback: [(RTCPFeedback, ReceiveMedia.Feedback)] = [
        (.fullIntraRequest, .fullIntraRequest), (.nack, .nack), (.pictureLoss, .pictureLoss),
        (.transportCC, .transport),
    ]
}

extension PayloadCodec {
    /// The same codec as the packetizers name it.
    var rtp: RTPCodec {
        switch self {
        case .av1: .av1
        case .h264: .h264
        case .hevc: .hevc
        case .opus: .opus
        case .vp8: .vp8
        case .vp9: .vp9
        }
    }
}
