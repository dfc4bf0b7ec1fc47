// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Media

/// Writes the init section of one rendition: `ftyp` and a `moov` without samples, ISO/IEC 14496-12 §8.8.1.
///
/// There is no edit list: composition offsets are signed and not shifted, and the pre-skip of Opus stays in `dOps`,
/// because a viewer who joins in the middle of a stream has nothing to skip. The brands of CMAF tracks are not claimed,
/// because a section may hold video and audio together.
public enum InitSectionWriter {
    /// Writes the section for `tracks`, at least one, each with its own number.
    public static func write(_ tracks: [Track]) -> [UInt8] {
        precondition(!tracks.isEmpty, "an init section without tracks")
        var bytes: [UInt8] = []
        writeBrands(to: &bytes, tracks)
        bytes.writeBox(.moov) { bytes in
            writeMovieHeader(to: &bytes, nextTrack: 1 + UInt32(tracks.map(\.id.number).max() ?? 0))
            for track in tracks { writeTrack(to: &bytes, track) }
            bytes.writeBox("mvex") { bytes in
                for track in tracks { writeDefaults(to: &bytes, track) }
            }
        }
        return bytes
    }

    /// §4.3; AV1-ISOBMFF §2.1 wants its own brand beside.
    private static func writeBrands(to bytes: inout [UInt8], _ tracks: [Track]) {
        bytes.writeBox(.ftyp) { bytes in
            bytes.append(bigEndian: BoxType("iso6").code)
            bytes.append(bigEndian: UInt32(0))
            for brand in ["iso6", "mp41"] as [BoxType] { bytes.append(bigEndian: brand.code) }
            if tracks.contains(where: { $0.codec == .av1 }) { bytes.append(bigEndian: BoxType("av01").code) }
        }
    }

    /// §8.2.2; no duration, because samples come in fragments.
    private static func writeMovieHeader(to bytes: inout [UInt8], nextTrack: UInt32) {
        bytes.writeFullBox("mvhd") { bytes in
            bytes.writeZeros(8)
            bytes.append(bigEndian: UInt32(1000))
            bytes.append(bigEndian: UInt32(0))
            bytes.append(bigEndian: UInt32(0x0001_0000))
            bytes.append(bigEndian: UInt16(0x0100))
            bytes.writeZeros(10)
            writeMatrix(to: &bytes)
            bytes.writeZeros(24)
            bytes.append(bigEndian: nextTrack)
        }
    }

    private static func writeTrack(to bytes: inout [UInt8], _ track: Track) {
        bytes.writeBox("trak") { bytes in
            writeTrackHeader(to: &bytes, track)
            bytes.writeBox("mdia") { bytes in
                writeMediaHeader(to: &bytes, track)
                writeHandler(to: &bytes, track)
                bytes.writeBox("minf") { bytes in
                    writeMediaInformation(to: &bytes, track)
                    writeSampleTable(to: &bytes, track)
                }
            }
        }
    }

    /// §8.3.2; flags: enabled, in the movie.
    private static func writeTrackHeader(to bytes: inout [UInt8], _ track: Track) {
        bytes.writeFullBox("tkhd", flags: 3) { bytes in
            bytes.writeZeros(8)
            bytes.append(bigEndian: UInt32(track.id.number))
            bytes.writeZeros(20)
            bytes.append(bigEndian: UInt16(track.codec.isVideo ? 0 : 0x0100))
            bytes.writeZeros(2)
            writeMatrix(to: &bytes)
            let (width, height) = shownSize(track)
            bytes.append(bigEndian: width << 16)
            bytes.append(bigEndian: height << 16)
        }
    }

    /// The picture with square samples; 0 for sound.
    private static func shownSize(_ track: Track) -> (UInt32, UInt32) {
        guard case .video(let video) = track.parameters else { return (0, 0) }
        guard let ratio = video.pictureFormat?.sampleAspectRatio else { return (video.width, video.height) }
        let width = (UInt64(video.width) * UInt64(ratio.width) + UInt64(ratio.height) / 2) / UInt64(ratio.height)
        return (UInt32(min(width, 65_535)), video.height)
    }

    /// §8.4.2, with the language "und".
    private static func writeMediaHeader(to bytes: inout [UInt8], _ track: Track) {
        bytes.writeFullBox("mdhd") { bytes in
            bytes.writeZeros(8)
            bytes.append(bigEndian: track.timescale.ticksPerSecond)
            bytes.append(bigEndian: UInt32(0))
            bytes.append(bigEndian: UInt16(0x55C4))
            bytes.writeZeros(2)
        }
    }

    /// §8.4.3, with an empty name.
    private static func writeHandler(to bytes: inout [UInt8], _ track: Track) {
        bytes.writeFullBox("hdlr") { bytes in
            bytes.writeZeros(4)
            bytes.append(bigEndian: ((track.codec.isVideo ? "vide" : "soun") as BoxType).code)
            bytes.writeZeros(13)
        }
    }

    /// §8.4.5 and §8.7: the media header, and data in the same file.
    private static func writeMediaInformation(to bytes: inout [UInt8], _ track: Track) {
        if track.codec.isVideo {
            bytes.writeFullBox("vmhd", flags: 1) { $0.writeZeros(8) }
        } else {
            bytes.writeFullBox("smhd") { $0.writeZeros(4) }
        }
        bytes.writeBox("dinf") { bytes in
            bytes.writeFullBox("dref") { bytes in
                bytes.append(bigEndian: UInt32(1))
                bytes.writeFullBox("url ", flags: 1) { _ in }
            }
        }
    }

    /// §8.5: one sample entry, and no samples.
    private static func writeSampleTable(to bytes: inout [UInt8], _ track: Track) {
        bytes.writeBox("stbl") { bytes in
            bytes.writeFullBox("stsd") { bytes in
                bytes.append(bigEndian: UInt32(1))
                bytes.writeSampleEntry(track)
            }
            bytes.writeFullBox("stts") { $0.writeZeros(4) }
            bytes.writeFullBox("stsc") { $0.writeZeros(4) }
            bytes.writeFullBox("stsz") { $0.writeZeros(8) }
            bytes.writeFullBox("stco") { $0.writeZeros(4) }
        }
    }

    /// §8.8.3: the first sample entry; all else stands in the fragments.
    private static func writeDefaults(to bytes: inout [UInt8], _ track: Track) {
        bytes.writeFullBox("trex") { bytes in
            bytes.append(bigEndian: UInt32(track.id.number))
            bytes.append(bigEndian: UInt32(1))
            bytes.writeZeros(12)
        }
    }

    /// The unity matrix of §6.2.2.
    private static func writeMatrix(to bytes: inout [UInt8]) {
        for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] as [UInt32] {
            bytes.append(bigEndian: value)
        }
    }
}
