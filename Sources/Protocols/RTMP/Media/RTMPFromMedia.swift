// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Media

/// Tracks and access units as RTMP and FLV carry them: H.264 and AAC in the tags that all players know, HEVC, AV1,
/// VP9 and Opus as Enhanced RTMP 1 has them, and VP8 as its second version has it.
///
/// The other half of `MediaFromRTMP`. A tag shares the unit's bytes; make it once and encode it once for all players.
public struct RTMPFromMedia: Hashable, Sendable {
    /// The tracks, by which units are told apart.
    public let tracks: [Track]

    /// A writer for at most one video and one audio track.
    public init(tracks: [Track]) { self.tracks = tracks }

    /// What a player must have before its first unit: `onMetaData` and each track's configuration.
    /// - Parameter time: where the player begins.
    public func opening(at time: MediaTime) -> [MediaTag] {
        let timestamp = Self.timestamp(time)
        return [metadata(timestamp)] + tracks.map { Self.configuration($0, timestamp) }
    }

    /// One unit of one of the tracks; nil for a unit of none, and for one that is too long for any message.
    public func tag(_ unit: AccessUnit) -> MediaTag? {
        guard unit.payload.count <= MediaTag.maximumLength - Self.longestHeader,
            let track = tracks.first(where: { $0.id == unit.track })
        else { return nil }
        return MediaTag(
            kind: track.codec.isVideo ? .video : .audio, timestamp: Self.timestamp(unit.decodeTime),
            header: Self.header(unit, track.codec), payload: unit.payload)
    }

    /// Milliseconds modulo 2^32.
    private static func timestamp(_ time: MediaTime) -> UInt32 {
        UInt32(truncatingIfNeeded: time.converted(to: .milliseconds).ticks)
    }
}

// MARK: - Heads

extension RTMPFromMedia {
    private static func header(_ unit: AccessUnit, _ codec: Codec) -> [UInt8] {
        let frame: UInt8 = unit.isRandomAccess ? 0x10 : 0x20
        switch codec {
        case .aac: return [legacyAAC, 1]
        case .opus: return head(0x90 | codedFrames, .opus)
        case .av1, .vp8, .vp9: return head(0x80 | frame | codedFrames, FourCC(codec))
        case .h264: return [frame | legacyAVC, 1] + offset(unit)
        case .hevc where unit.compositionOffset == 0: return head(0x80 | frame | codedFramesX, .hevc)
        case .hevc: return head(0x80 | frame | codedFrames, .hevc) + offset(unit)
        }
    }

    private static func configuration(_ track: Track, _ timestamp: UInt32) -> MediaTag {
        let header: [UInt8]
        switch track.codec {
        case .aac: header = [legacyAAC, 0]
        case .opus: header = head(0x90, .opus)
        case .av1, .hevc, .vp8, .vp9: header = head(0x90, FourCC(track.codec))
        case .h264: header = [0x10 | legacyAVC, 0, 0, 0, 0]
        }
        return MediaTag(
            kind: track.codec.isVideo ? .video : .audio, timestamp: timestamp, header: header, payload: record(track))
    }

    /// The time between decoding and showing, in milliseconds, such that both round to what they were.
    private static func offset(_ unit: AccessUnit) -> [UInt8] {
        let decode = unit.decodeTime
        let shown = MediaTime(ticks: decode.ticks &+ Int64(unit.compositionOffset), timescale: decode.timescale)
        let offset = shown.converted(to: .milliseconds).ticks &- decode.converted(to: .milliseconds).ticks
        var bytes: [UInt8] = []
        bytes.append(bigEndian24: UInt32(truncatingIfNeeded: offset))
        return bytes
    }

    private static func head(_ first: UInt8, _ code: FourCC) -> [UInt8] {
        var bytes = [first]
        bytes.append(bigEndian: code.rawValue)
        return bytes
    }

    private static func record(_ track: Track) -> ByteSlice {
        switch track.parameters {
        case .video(let video): video.record
        case .audio(let audio): audio.codec == .opus ? opusHead(audio.record) : audio.record
        }
    }

    /// OpusHead (RFC 7845 §5.1) of `dOps`: the same fields, its integers turned round, behind a magic and a version.
    private static func opusHead(_ dOps: ByteSlice) -> ByteSlice {
        let record = Array(dOps)
        precondition(record.count >= 11, "dOps of \(record.count) bytes")
        var head = Array("OpusHead".utf8) + [1, record[1]]
        for field in [record[2..<4], record[4..<8], record[8..<10]] { head += field.reversed() }
        return (head + record[10...])[...]
    }

    /// What stands before a unit at most, in bytes, rounded up.
    static let longestHeader = 15
    private static let codedFrames: UInt8 = 1
    private static let codedFramesX: UInt8 = 3
    private static let legacyAVC: UInt8 = 7
    /// AAC; the other bits always say 44.1 kHz, 16 bit, stereo.
    private static let legacyAAC: UInt8 = 0xAF
}

// MARK: - Metadata

extension RTMPFromMedia {
    private func metadata(_ timestamp: UInt32) -> MediaTag {
        let properties = tracks.flatMap(Self.properties)
        let body = AMFEncoder.encode([.string("onMetaData"), .ecmaArray(properties)])
        return MediaTag(kind: .data, timestamp: timestamp, header: [], payload: body[...])
    }

    private static func properties(_ track: Track) -> [AMFProperty] {
        switch track.parameters {
        case .audio(let audio):
            return [
                AMFProperty("audiocodecid", .number(audio.codec == .aac ? 10 : Double(FourCC(audio.codec).rawValue))),
                AMFProperty("audiosamplerate", .number(Double(audio.sampleRate))),
                AMFProperty("stereo", .boolean(audio.channels > 1)),
            ]
        case .video(let video):
            let rate = video.frameRate.map { [AMFProperty("framerate", .number($0))] } ?? []
            return [
                AMFProperty("videocodecid", .number(video.codec == .h264 ? 7 : Double(FourCC(video.codec).rawValue))),
                AMFProperty("width", .number(Double(video.width))),
                AMFProperty("height", .number(Double(video.height))),
            ] + rate
        }
    }
}
