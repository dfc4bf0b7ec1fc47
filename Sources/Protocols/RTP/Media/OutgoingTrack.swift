// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// One track of a stream as `RTPFromMedia` sends it.
///
/// States: *refused* (nothing is sent), *awaiting* (of video, up to the first random access point) and *sending*.
struct OutgoingTrack: Sendable {
    let track: Track
    private(set) var refusal: RTPFromMedia.Refusal?
    var awaitsRandomAccess: Bool
    /// The latest time of which a picture was sent in this term.
    private var latest: Int64?
    private let packetizer: Packetizer

    private enum Packetizer: Sendable {
        case av1(AV1Packetizer)
        case frame(VPPacketizer)
        case nal(NALPacketizer)
        case sound

        init(_ video: VideoParameters, _ settings: PacketizerSettings) {
            switch video.codec {
            case .av1: self = .av1(AV1Packetizer(settings: settings))
            case .vp8: self = .frame(VPPacketizer(.vp8, settings: settings))
            case .vp9: self = .frame(VPPacketizer(.vp9, settings: settings))
            case .h264, .hevc, .aac, .opus: self = .nal(NALPacketizer(video, settings: settings))
            }
        }
    }

    init(_ track: Track, _ settings: PacketizerSettings) {
        self.track = track
        awaitsRandomAccess = track.codec.isVideo
        switch track.parameters {
        case .audio(let audio):
            packetizer = .sound
            if audio.codec != .opus {
                refusal = .codec(audio.codec)
            } else if audio.channels > 2 {
                refusal = .channels(audio.channels)
            }
        case .video(let video):
            packetizer = Packetizer(video, settings)
        }
    }

    /// Why a unit is not to be sent; nil where it is. May refuse the track.
    mutating func admit(_ unit: AccessUnit) -> RTPFromMedia.Drop? {
        if let refusal { return .refused(refusal) }
        guard !awaitsRandomAccess || unit.isRandomAccess else { return .awaitsRandomAccess }
        guard track.codec.isVideo, let latest, unit.shown.ticks <= latest, !unit.isRandomAccess else { return nil }
        guard !isDisposable(unit) else { return .reordered }
        refusal = .reorderedReferences
        return .refused(.reorderedReferences)
    }

    /// False where its bytes can not be read.
    func packetize(_ unit: AccessUnit, into batch: inout PayloadBatch) -> Bool {
        switch packetizer {
        case .av1(let packetizer):
            return packetizer.packetize(unit.payload, isRandomAccess: unit.isRandomAccess, into: &batch)
        case .nal(let packetizer):
            return packetizer.packetize(unit.payload, isRandomAccess: unit.isRandomAccess, into: &batch)
        case .frame(let packetizer):
            guard !unit.payload.isEmpty else { return false }
            packetizer.packetize(unit.payload, isRandomAccess: unit.isRandomAccess, into: &batch)
            return true
        case .sound:
            guard !unit.payload.isEmpty else { return false }
            batch.append(contentsOf: unit.payload)
            batch.endPayload()
            return true
        }
    }

    /// Notes that a unit is sent.
    mutating func sent(_ unit: AccessUnit) {
        awaitsRandomAccess = false
        latest = max(latest ?? .min, unit.shown.ticks)
    }

    /// Whether no picture that comes after refers to this one.
    private func isDisposable(_ unit: AccessUnit) -> Bool {
        guard track.codec == .h264 || track.codec == .hevc else { return false }
        for nal in NALUnits(unit.payload, lengthSize: 4) {
            guard let first = nal.first, NALUnitKind(nal, track.codec).isSlice else { continue }
            let type = first >> 1 & 63
            // ITU-T H.265 §7.4.2.2, table 7-1: even numbers below 16 are not referred to within their sub-layer; 6 to 9
            // are leading pictures, to which no trailing picture refers.
            let isNeeded =
                track.codec == .hevc ? type % 2 == 1 && !(6...9).contains(type) || type > 15 : first & 0x60 != 0
            if isNeeded { return false }
        }
        return true
    }
}
