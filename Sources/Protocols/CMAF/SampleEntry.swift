// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// Sample entries: what a decoder is set up with, ISO/IEC 14496-12 §8.5.2.
extension [UInt8] {
    /// Appends the sample entry of a track.
    mutating func writeSampleEntry(_ track: Track) {
        switch track.parameters {
        case .audio(let audio): writeAudioEntry(audio, track: track.id)
        case .video(let video): writeVideoEntry(video)
        }
    }

    /// §12.1.3, with the codec's record and, where the sequence says them, sample aspect ratio and colours.
    private mutating func writeVideoEntry(_ video: VideoParameters) {
        writeBox(video.codec.sampleEntry) { bytes in
            bytes.writeZeros(6)
            bytes.append(bigEndian: UInt16(1))
            bytes.writeZeros(16)
            bytes.append(bigEndian: UInt16(truncatingIfNeeded: video.width))
            bytes.append(bigEndian: UInt16(truncatingIfNeeded: video.height))
            bytes.append(bigEndian: UInt32(0x0048_0000))  // 72 dots an inch
            bytes.append(bigEndian: UInt32(0x0048_0000))
            bytes.writeZeros(4)
            bytes.append(bigEndian: UInt16(1))
            bytes.writeZeros(32)
            bytes.append(bigEndian: UInt16(24))
            bytes.append(bigEndian: Int16(-1))
            bytes.writeConfiguration(video)
            if let format = video.pictureFormat { bytes.writePresentation(format) }
        }
    }

    /// `vpcC` alone is a full box, of version 1 (VP-ISOBMFF §2.2).
    private mutating func writeConfiguration(_ video: VideoParameters) {
        switch video.codec {
        case .vp8, .vp9: writeFullBox(video.codec.configurationBox, version: 1) { $0.append(contentsOf: video.record) }
        default: writeBox(video.codec.configurationBox) { $0.append(contentsOf: video.record) }
        }
    }

    /// §12.1.4 and §12.1.5.
    private mutating func writePresentation(_ format: PictureFormat) {
        if let ratio = format.sampleAspectRatio {
            writeBox("pasp") { bytes in
                bytes.append(bigEndian: ratio.width)
                bytes.append(bigEndian: ratio.height)
            }
        }
        if let colour = format.colour {
            writeBox("colr") { bytes in
                bytes.append(bigEndian: BoxType("nclx").code)
                bytes.append(bigEndian: UInt16(colour.primaries))
                bytes.append(bigEndian: UInt16(colour.transfer))
                bytes.append(bigEndian: UInt16(colour.matrix))
                bytes.append(colour.isFullRange ? 0x80 : 0)
            }
        }
    }

    /// §12.2.3. A rate that does not fit 16 bits is left to the media header.
    private mutating func writeAudioEntry(_ audio: AudioParameters, track: TrackID) {
        writeBox(audio.codec.sampleEntry) { bytes in
            bytes.writeZeros(6)
            bytes.append(bigEndian: UInt16(1))
            bytes.writeZeros(8)
            bytes.append(bigEndian: UInt16(audio.channels))
            bytes.append(bigEndian: UInt16(16))
            bytes.writeZeros(4)
            bytes.append(bigEndian: audio.sampleRate <= 65_535 ? audio.sampleRate << 16 : 0)
            if audio.codec == .aac {
                bytes.writeElementaryStream(audio, track: track)
            } else {
                bytes.writeBox(audio.codec.configurationBox) { $0.append(contentsOf: audio.record) }
            }
        }
    }

    /// `esds`, ISO/IEC 14496-14 §6.7: an ES descriptor around decoder configuration and sync layer. The bit rates are
    /// left at "unknown".
    private mutating func writeElementaryStream(_ audio: AudioParameters, track: TrackID) {
        writeFullBox(audio.codec.configurationBox) { bytes in
            bytes.writeDescriptor(3) { bytes in
                bytes.append(bigEndian: UInt16(track.number))
                bytes.append(0)
                bytes.writeDescriptor(4) { bytes in
                    bytes.append(contentsOf: [0x40, 0x15])  // MPEG-4 audio, an audio stream
                    bytes.writeZeros(11)
                    bytes.writeDescriptor(5) { $0.append(contentsOf: audio.record) }
                }
                bytes.writeDescriptor(6) { $0.append(2) }
            }
        }
    }
}

extension Codec {
    fileprivate var sampleEntry: BoxType {
        switch self {
        case .aac: "mp4a"
        case .av1: "av01"
        case .h264: "avc1"
        case .hevc: "hvc1"
        case .opus: "Opus"
        case .vp8: "vp08"
        case .vp9: "vp09"
        }
    }

    fileprivate var configurationBox: BoxType {
        switch self {
        case .aac: "esds"
        case .av1: "av1C"
        case .h264: "avcC"
        case .hevc: "hvcC"
        case .opus: "dOps"
        case .vp8, .vp9: "vpcC"
        }
    }
}
