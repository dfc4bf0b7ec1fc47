// SPDX-License-Identifier: Apache-2.0

import Bytes
import CMAF
import Feed
import Foundation
import Media
import Testing

/// A stream out of Tests/Vectors/media: its tracks, and its units in decode order on the tracks' clocks.
struct RecordedStream {
    private(set) var tracks: [Track] = []
    private(set) var units: [AccessUnit] = []
    private var reader: ByteReader

    /// Reads an FLV file, legacy and Enhanced, just as far as our vectors go.
    init(_ name: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/media/\(name).flv")
        reader = ByteReader([UInt8](try Data(contentsOf: file.standardized)))
        _ = try reader.bytes(13)
        while !reader.isEmpty {
            let kind = try reader.uint8()
            let size = Int(try reader.uint24())
            let milliseconds = Int64(try reader.uint24()) | Int64(try reader.uint8()) << 24
            _ = try reader.uint24()
            let body = ByteReader(try reader.bytes(size))
            _ = try reader.uint32()
            if kind == 9 { try readVideo(body, milliseconds) }
            if kind == 8 { try readAudio(body) }
        }
    }

    private mutating func readVideo(_ body: ByteReader, _ milliseconds: Int64) throws {
        var body = body
        let head = try body.uint8()
        let isEnhanced = head & 0x80 != 0
        let name = isEnhanced ? String(decoding: try body.bytes(4), as: UTF8.self) : "avc1"
        let packet = isEnhanced ? head & 15 : try body.uint8()
        let hasOffset = isEnhanced ? name == "hvc1" && packet == 1 : true
        let offset = hasOffset ? try body.int24() : 0
        if packet == 0 {
            let parameters =
                switch name {
                case "avc1": try VideoParameters(avcC: body.rest)
                case "hvc1": try VideoParameters(hvcC: body.rest)
                default: try VideoParameters(av1C: body.rest)
                }
            tracks.append(Track(id: .video, parameters: .video(parameters)))
        } else if packet == 1 || packet == 3, !body.isEmpty {
            units.append(
                AccessUnit(
                    track: .video, decodeTime: MediaTime(ticks: milliseconds * 90, timescale: .video),
                    compositionOffset: offset * 90, isRandomAccess: head >> 4 & 7 == 1,
                    payload: name == "av01" ? AV1TemporalUnit(body.rest).sample : body.rest))
        }
    }

    private mutating func readAudio(_ body: ByteReader) throws {
        var body = body
        let head = try body.uint8()
        let isEnhanced = head >> 4 == 9
        if isEnhanced { _ = try body.bytes(4) }
        let packet = isEnhanced ? head & 15 : try body.uint8()
        if isEnhanced, packet == 0 {
            tracks.append(Track(id: .audio, parameters: .audio(try AudioParameters(opusHead: body.rest))))
        } else if packet == 0 {
            tracks.append(Track(id: .audio, parameters: .audio(try AudioParameters(audioSpecificConfig: body.rest))))
        } else if packet == 1 {
            let samples = tracks.contains { $0.codec == .opus } ? 960 : 1024
            let count = units.count { $0.track == .audio }
            units.append(
                AccessUnit(
                    track: .audio, decodeTime: MediaTime(ticks: Int64(count * samples), timescale: Timescale(48_000)),
                    isRandomAccess: true, payload: body.rest))
        }
    }

    /// Cuts the units into parts of `count`, a segment beginning at each part that begins with a random access point
    /// of the video.
    /// - Parameter packaging: the version that each part is written with, by its number; every third begins a segment.
    func fragments(of count: Int, packaging: (Int) -> UInt8 = { _ in 1 }) -> [Fragment] {
        stride(from: 0, to: units.count, by: count).map { start in
            let end = min(units.count, start + count)
            let ends = tracks.map { track in
                let next = units[end...].first { $0.track == track.id }?.decodeTime.ticks
                let last = units.last { $0.track == track.id }?.decodeTime.ticks ?? 0
                return TrackTime(track: track.id, ticks: next ?? last + (track.codec.isVideo ? 3000 : 960))
            }
            let number = start / count
            return Fragment(
                packaging: packaging(number), sequenceNumber: UInt32(number),
                isFirstInSegment: number.isMultiple(of: 3),
                reference: ReferenceTime(
                    civil: WallTime(milliseconds: 1_795_000_000_000), media: units[start].presentationTime),
                tracks: tracks.map(\.id), units: units[start..<end], ends: ends)
        }
    }
}
