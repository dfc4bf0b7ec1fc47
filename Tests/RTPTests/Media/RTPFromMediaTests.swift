// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import TestKit
import Testing

@Suite("RTP from media")
struct RTPFromMediaTests {
    private func stream(_ tracks: [Track]) -> RTPFromMedia {
        var stream = RTPFromMedia(wall: WallTime(milliseconds: 0), now: .zero)
        stream.begin(tracks)
        return stream
    }

    private func outcomes(_ stream: inout RTPFromMedia, _ units: [AccessUnit]) -> [RTPFromMedia.Outcome] {
        var batch = PayloadBatch()
        return units.map { unit in
            let outcome = stream.packetize(unit, now: .zero, into: &batch)
            if case .dropped = outcome { #expect(batch.isEmpty) } else { #expect(!batch.isEmpty) }
            return outcome
        }
    }

    /// A picture of one slice: `header` tells whether others refer to it.
    private func unit(_ time: Int64, shown: Int64, _ header: [UInt8], isKey: Bool = false) -> AccessUnit {
        AccessUnit(
            track: .video, decodeTime: MediaTime(ticks: time, timescale: .video),
            compositionOffset: Int32(shown - time), isRandomAccess: isKey, payload: picture([header + [0x88, 1]]))
    }

    @Test("is what media from RTP reads", arguments: ["h264-aac", "hevc-opus", "av1-opus"], 0..<8 as Range<UInt64>)
    func roundTrip(name: String, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var recording = try Recording(name)
        // Shown as they are decoded, so that none is left out.
        for index in recording.units.indices { recording.units[index].compositionOffset = 0 }
        var stream = RTPFromMedia(
            wall: WallTime(milliseconds: 0), now: .zero,
            settings: PacketizerSettings(longestPayload: .random(in: 64...1400, using: &random)))
        stream.begin(recording.tracks)
        var media = MediaFromRTP(
            recording.tracks.filter { $0.codec != .aac }.map {
                ReceiveTrack(
                    id: $0.id, source: ReceiveSource(media: Int($0.id.number)), codec: $0.codec,
                    isStereo: name != "av1-opus")
            })
        var batch = PayloadBatch()
        var events: [MediaFromRTP.Event] = []
        var sent: [AccessUnit] = []
        var sequence: Int64 = 0
        for unit in recording.units {
            guard case .payloads(let timestamp) = stream.packetize(unit, now: .zero, into: &batch) else { continue }
            sent.append(unit)
            let track = try #require(recording.tracks.first { $0.id == unit.track })
            for index in 0..<batch.count {
                sequence += 1
                let packet = ReceivedPacket(
                    source: ReceiveSource(media: Int(unit.track.number)), codec: try #require(RTPCodec(track.codec)),
                    sequence: sequence, timestamp: timestamp, marker: index == batch.count - 1,
                    payload: Array(batch[index])[...])
                media.receive(packet, now: .zero, into: &events)
            }
        }
        var came: [AccessUnit] = []
        for case .accessUnit(let unit) in events { came.append(unit) }
        #expect(came.count == sent.count)
        #expect(
            came.count
                == recording.units.count { unit in recording.tracks.contains { $0.id == unit.track && $0.codec != .aac }
                })
        for (came, sent) in zip(came, sent) where came.track == .video {
            #expect(
                Self.withoutSupplements(came.payload, recording.tracks[0].codec)
                    == Self.withoutSupplements(sent.payload, recording.tracks[0].codec))
            #expect(came.isRandomAccess == sent.isRandomAccess)
        }
        #expect(came.filter { $0.track == .audio }.map(\.payload) == sent.filter { $0.track == .audio }.map(\.payload))
        for track in recording.tracks where track.codec != .aac {
            let found = events.compactMap {
                if case .parameters(track.id, let found) = $0 { found.codecString } else { nil }
            }
            #expect(found == [track.parameters.codecString])
        }
    }

    @Test("refuses x264's pyramid of B-frames, and x265's open groups up to what others refer to")
    func recordings() throws {
        for name in ["h264-aac", "hevc-opus"] {
            let recording = try Recording(name)
            var stream = stream(recording.tracks)
            let outcomes = outcomes(&stream, recording.units.filter { $0.track == .video })
            #expect(outcomes.contains(.dropped(.refused(.reorderedReferences))), "\(name)")
            #expect(stream.refusal(.video) == .reorderedReferences)
        }
    }

    /// SEI is not sent.
    private static func withoutSupplements(_ payload: ByteSlice, _ codec: Codec) -> [ByteSlice] {
        guard codec != .av1 else { return [payload] }
        return NALUnits(payload, lengthSize: 4).filter {
            (codec == .hevc ? NALUnitKind(hevc: $0) : NALUnitKind(h264: $0)) != .supplement
        }
    }

    @Test("begins with a random access point, and again behind one that was left out")
    func begins() throws {
        let track = Track(id: .video, parameters: .video(try NALPayloadTests.parameters(.h264)))
        var stream = stream([track])
        let units = [unit(0, shown: 0, [0x41]), unit(1, shown: 1, [0x65], isKey: true), unit(2, shown: 2, [0x41])]
        #expect(
            outcomes(&stream, units) == [
                .dropped(.awaitsRandomAccess), .payloads(timestamp: 1), .payloads(timestamp: 2),
            ])
        stream.change([track])
        #expect(outcomes(&stream, [unit(3, shown: 3, [0x41])]) == [.payloads(timestamp: 3)])
        stream.begin([track])
        #expect(outcomes(&stream, [unit(4, shown: 4, [0x41])]) == [.dropped(.awaitsRandomAccess)])
    }

    @Test("drops B-frames to which nothing refers, and refuses a track of others")
    func bFrames() throws {
        let track = Track(id: .video, parameters: .video(try NALPayloadTests.parameters(.h264)))
        var stream = stream([track])
        let plain = [
            unit(0, shown: 3000, [0x65], isKey: true), unit(3000, shown: 12_000, [0x41]),
            unit(6000, shown: 6000, [0x01]),
            unit(9000, shown: 9000, [0x01]), unit(12_000, shown: 15_000, [0x41]),
        ]
        #expect(
            outcomes(&stream, plain) == [
                .payloads(timestamp: 3000), .payloads(timestamp: 12_000), .dropped(.reordered), .dropped(.reordered),
                .payloads(timestamp: 15_000),
            ])
        let refused = RTPFromMedia.Outcome.dropped(.refused(.reorderedReferences))
        #expect(
            outcomes(&stream, [unit(15_000, shown: 14_000, [0x21]), unit(18_000, shown: 18_000, [0x65], isKey: true)])
                == [refused, refused])
        #expect(stream.refusal(.video) == .reorderedReferences)
        stream.begin([track])
        #expect(stream.refusal(.video) == nil)
        guard case .payloads = outcomes(&stream, [unit(0, shown: 0, [0x65], isKey: true)]).first else {
            Issue.record("a new term is refused")
            return
        }
    }

    @Test(
        "drops HEVC's leading pictures and those to which nothing in their layer refers",
        arguments: [(0, true), (1, false), (4, true), (5, false), (6, true), (8, true), (9, true)] as [(UInt8, Bool)])
    func hevc(row: (type: UInt8, isDropped: Bool)) throws {
        var stream = stream([Track(id: .video, parameters: .video(try NALPayloadTests.parameters(.hevc)))])
        _ = outcomes(&stream, [unit(0, shown: 9000, [42, 1], isKey: true)])
        let outcome = outcomes(&stream, [unit(3000, shown: 6000, [row.type << 1, 1])])
        #expect(outcome == [.dropped(row.isDropped ? .reordered : .refused(.reorderedReferences))])
    }

    @Test("refuses sound that no browser takes")
    func sound() throws {
        var stream = stream([
            Track(id: .audio, parameters: SyntheticParameters.aac()),
            Track(
                id: TrackID(3),
                parameters: .audio(
                    AudioParameters(
                        codec: .opus, record: [], sampleRate: 48_000, channels: 6, codecString: "opus",
                        samplesPerUnit: nil))),
        ])
        #expect(stream.refusal(.audio) == .codec(.aac))
        #expect(stream.refusal(TrackID(3)) == .channels(6))
        let unit = AccessUnit(
            track: .audio, decodeTime: MediaTime(ticks: 0, timescale: Timescale(48_000)), isRandomAccess: true,
            payload: [1])
        #expect(outcomes(&stream, [unit]) == [.dropped(.refused(.codec(.aac)))])
        var other = unit
        other.track = TrackID(9)
        #expect(outcomes(&stream, [other]) == [.dropped(.unknownTrack)])
    }

    @Test("goes forward over a term that begins behind what was sent")
    func terms() throws {
        let track = Track(id: .video, parameters: .video(try NALPayloadTests.parameters(.h264)))
        var stream = stream([track])
        var batch = PayloadBatch()
        #expect(
            stream.packetize(unit(90_000, shown: 90_000, [0x65], isKey: true), now: .zero, into: &batch)
                == .payloads(timestamp: 90_000))
        stream.begin([track])
        #expect(
            stream.packetize(unit(0, shown: 0, [0x65], isKey: true), now: .seconds(1), into: &batch)
                == .payloads(timestamp: 180_000))
        #expect(
            stream.packetize(unit(3000, shown: 3000, [0x41]), now: .seconds(1), into: &batch)
                == .payloads(timestamp: 183_000))
    }
}
