// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTMP
import Testing

@Suite("RTMP from media")
struct RTMPFromMediaTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let video: VideoParameters
        let audio: AudioParameters
        let payload: [UInt8]
        var testDescription: String { "\(video.codecString), \(audio.codecString)" }
    }

    static func cases() throws -> [Case] {
        let aac = try AudioParameters(audioSpecificConfig: Records.asc[...])
        let opus = try AudioParameters(opusHead: Records.opusHead[...])
        return [
            Case(video: try VideoParameters(avcC: Records.avcC[...]), audio: aac, payload: hex("000000026588")),
            Case(video: try VideoParameters(hvcC: Records.hvcC[...]), audio: opus, payload: hex("00000003260188")),
            Case(
                video: try VideoParameters(av1C: Records.av1C[...]), audio: opus,
                payload: hex("0a0b000000043cfecc02f80040 32021000")),
        ]
    }

    @Test("is what media from RTMP reads, over FLV too", arguments: [0, 1, 2], [0 as Int32, 40, -40, 3003])
    func roundTrip(index: Int, offset: Int32) throws {
        let row = try Self.cases()[index]
        let offset = row.video.codec == .av1 ? 0 : offset
        let tracks = [
            Track(id: .video, parameters: .video(row.video)), Track(id: .audio, parameters: .audio(row.audio)),
        ]
        let writer = RTMPFromMedia(tracks: tracks)
        let begin = MediaTime(ticks: 90_000 * 20_000, timescale: .video)
        let picture = AccessUnit(
            track: .video, decodeTime: begin, compositionOffset: offset * 90, isRandomAccess: true,
            payload: row.payload[...])
        let sound = AccessUnit(
            track: .audio, decodeTime: MediaTime(ticks: 48_000 * 20_000, timescale: Timescale(48_000)),
            isRandomAccess: true, payload: [0x21, 0x10])
        let tags = writer.opening(at: begin) + [picture, sound].compactMap(writer.tag)
        #expect(tags.count == 5)
        let events = try readBack(tags)
        #expect(events.contains(.parameters(.video, .video(row.video))))
        #expect(events.contains(.parameters(.audio, .audio(row.audio))))
        var units: [AccessUnit] = []
        for case .accessUnit(let unit) in events { units.append(unit) }
        #expect(units.map(\.payload) == [picture.payload, sound.payload])
        #expect(units.map(\.decodeTime.ticks) == [20_000_000, 20_000_000])
        #expect(units.map(\.compositionOffset) == [offset, 0])
        #expect(units.map(\.isRandomAccess) == [true, true])
    }

    /// Writes an FLV file of the tags and reads it byte by byte.
    private func readBack(_ tags: [MediaTag]) throws -> [MediaFromRTMP.Event] {
        let file = FLVWriter().header(hasVideo: true, hasAudio: true) + tags.flatMap(FLVWriter().write)
        var decoder = FLVDecoder()
        var media = MediaFromRTMP()
        var messages: [MediaMessage] = []
        var events: [MediaFromRTMP.Event] = []
        for byte in file {
            decoder.append([byte])
            while let message = try decoder.next() {
                messages.append(message)
                try media.accept(message, into: &events)
            }
        }
        #expect(messages == tags.map(\.message))
        return events
    }

    @Test("describes the tracks in onMetaData")
    func metadata() throws {
        let row = try Self.cases()[0]
        let tracks = [
            Track(id: .video, parameters: .video(row.video)), Track(id: .audio, parameters: .audio(row.audio)),
        ]
        let tag = try #require(RTMPFromMedia(tracks: tracks).opening(at: MediaTime(ticks: 0, timescale: .video)).first)
        var decoder = AMFDecoder(tag.payload)
        let values = try decoder.remainingValues()
        #expect(values.first == .string("onMetaData"))
        #expect(values.last?["width"]?.number == 320)
        #expect(values.last?["videocodecid"]?.number == 7)
        #expect(values.last?["audiocodecid"]?.number == 10)
    }

    @Test("has no tag for a unit of a track that it does not know")
    func unknownTrack() {
        let unit = AccessUnit(
            track: TrackID(9), decodeTime: MediaTime(ticks: 0, timescale: .video), isRandomAccess: true, payload: [1])
        #expect(RTMPFromMedia(tracks: []).tag(unit) == nil)
    }
}
