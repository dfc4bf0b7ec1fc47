// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import TestKit
import Testing

@Suite("Media from RTP")
struct MediaFromRTPTests {
    private static let video = ReceiveSource(media: 1)
    private static let audio = ReceiveSource(media: 0)

    private func media() -> MediaFromRTP {
        MediaFromRTP([
            ReceiveTrack(id: .video, source: Self.video, codec: .h264),
            ReceiveTrack(id: .audio, source: Self.audio, codec: .opus),
        ])
    }

    private func packet(_ sequence: Int64, _ timestamp: Int64, _ payload: [UInt8], marker: Bool = true)
        -> ReceivedPacket
    {
        ReceivedPacket(
            source: Self.video, codec: .h264, sequence: sequence, timestamp: timestamp, marker: marker,
            payload: payload[...])
    }

    private func sound(_ timestamp: Int64, _ payload: [UInt8] = [0x78, 1]) -> ReceivedPacket {
        ReceivedPacket(
            source: Self.audio, codec: .opus, sequence: timestamp, timestamp: timestamp, marker: false,
            payload: payload[...])
    }

    /// SPS and PPS in one packet.
    private func sets() throws -> [UInt8] {
        var batch = PayloadBatch()
        let packetizer = NALPacketizer(try NALPayloadTests.parameters(.h264))
        _ = packetizer.packetize(picture([[0x65, 0x88]]), isRandomAccess: true, into: &batch)
        return Array(batch[0])
    }

    private func describe(_ events: [MediaFromRTP.Event]) -> [String] {
        events.map {
            switch $0 {
            case .accessUnit(let unit):
                "\(unit.track.number) \(unit.decodeTime.ticks) \(unit.isRandomAccess ? "key " : "")\(unit.payload.hex)"
            case .layer(let track): "\(track.id.number) \(track.rendition) \(track.parameters.codecString)"
            case .parameters(let track, let parameters): "\(track.number) \(parameters.codecString)"
            case .randomAccessWanted(let source): "wanted \(source.media)"
            }
        }
    }

    @Test("gives pictures without their parameter sets, behind what they are decoded with")
    func pictures() throws {
        var (media, events) = (media(), [MediaFromRTP.Event]())
        media.receive(packet(1, 900, [0x61, 0x88]), now: .seconds(1), into: &events)
        media.receive(packet(2, 3900, try sets(), marker: false), now: .seconds(1), into: &events)
        media.receive(packet(3, 3900, [0x65, 0x88]), now: .seconds(1), into: &events)
        media.receive(packet(4, 6900, [0x61, 0x99]), now: .seconds(1), into: &events)
        #expect(
            describe(events) == [
                "wanted 1", "1 \(try NALPayloadTests.parameters(.h264).codecString)", "1 93000 key 000000026588",
                "1 96000 000000026199",
            ])
        #expect(media.ignored.beforeRandomAccess == 1)
    }

    @Test("lets nothing through behind a lost picture before the next random access point")
    func loss() throws {
        var (media, events) = (media(), [MediaFromRTP.Event]())
        func send(_ sequence: Int64, isKey: Bool) throws {
            if isKey {
                media.receive(packet(sequence, sequence * 3000, try sets(), marker: false), now: .zero, into: &events)
            }
            media.receive(packet(sequence, sequence * 3000, [isKey ? 0x65 : 0x61, 0x88]), now: .zero, into: &events)
        }
        try send(1, isKey: true)
        try send(2, isKey: false)
        media.lose(Self.video, now: .zero, into: &events)
        try send(4, isKey: false)
        try send(5, isKey: true)
        try send(6, isKey: false)
        #expect(
            describe(events).filter { $0.hasPrefix("1 ") && $0.contains("0000") }.map { $0.prefix(6) }
                == ["1 0 key", "1 3000", "1 1200", "1 1500"].map { $0.prefix(6) })
        #expect(media.ignored.lost == 1)
        #expect(media.ignored.beforeRandomAccess == 1)
    }

    @Test("gives each packet of sound, and passes over what is none")
    func opus() {
        var (media, events) = (media(), [MediaFromRTP.Event]())
        media.receive(sound(480), now: .zero, into: &events)
        media.receive(sound(1440), now: .zero, into: &events)
        media.receive(sound(2400, []), now: .zero, into: &events)
        media.receive(sound(2400, [0x7B]), now: .zero, into: &events)
        #expect(describe(events) == ["2 opus", "2 0 key 7801", "2 960 key 7801"])
        #expect(media.ignored.malformed == 1)
        #expect(events.first == .parameters(.audio, SyntheticParameters.opus()))
    }

    @Test("brings tracks in step by their reports")
    func lipSync() throws {
        var (media, events) = (media(), [MediaFromRTP.Event]())
        // Sound comes 100 ms behind the picture of its moment.
        media.receive(packet(1, 90_000, try sets(), marker: false), now: .seconds(1), into: &events)
        media.receive(packet(1, 90_000, [0x65, 0x88]), now: .seconds(1), into: &events)
        media.receive(sound(48_000), now: .milliseconds(1100), into: &events)
        let civil = WallTime(milliseconds: 1_795_255_200_000)
        media.receive(ClockReport(time: NTPTime(civil), timestamp: 90_000), of: Self.video)
        media.receive(ClockReport(time: NTPTime(civil), timestamp: 48_000), of: Self.audio)
        media.receive(packet(2, 93_000, [0x61, 0x88]), now: .milliseconds(1033), into: &events)
        media.receive(sound(48_960), now: .milliseconds(1120), into: &events)
        var times: [Int64] = []
        for case .accessUnit(let unit) in events { times.append(unit.decodeTime.converted(to: .milliseconds).ticks) }
        #expect(times == [1000, 1100, 1033, 1020])
    }

    @Test("follows clocks that drift by small steps, and never moves the picture")
    func drift() throws {
        var table = SourceClockTable()
        func time(_ source: ReceiveSource, _ codec: RTPCodec, _ ticks: Int64) -> Double {
            table.time(of: ticks, source, codec, now: .seconds(1)).seconds
        }
        let start = (time(Self.video, .vp8, 0), time(Self.audio, .opus, 0))
        #expect(start == (1, 1))
        var last = 1.0
        for second in 1...100 as ClosedRange<Int64> {
            let civil = NTPTime(WallTime(milliseconds: 0), elapsed: .seconds(second))
            table.receive(ClockReport(time: civil, timestamp: second * 90_000), of: Self.video)
            // The sound's clock runs a thousandth too fast.
            table.receive(ClockReport(time: civil, timestamp: second * 48_048), of: Self.audio)
            #expect(abs(time(Self.video, .vp8, second * 90_000) - Double(1 + second)) < 0.0001)
            let sound = time(Self.audio, .opus, second * 48_048)
            #expect(abs(sound - Double(1 + second)) < 0.0002)
            #expect(abs(sound - last - 1) < 0.006)
            last = sound
        }
    }

    @Test("survives any packets of any codec", arguments: 0..<60 as Range<UInt64>)
    func nonsense(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let codec: Codec = [.h264, .hevc, .av1].randomElement(using: &random) ?? .h264
        var media = MediaFromRTP([ReceiveTrack(id: .video, source: Self.video, codec: codec)])
        var events: [MediaFromRTP.Event] = []
        for index in 0..<300 as Range<Int64> {
            let payload = noise(.random(in: 0...60, using: &random), using: &random)
            let packet = ReceivedPacket(
                source: Self.video, codec: RTPCodec(codec) ?? .h264, sequence: index,
                timestamp: .random(in: .min ... .max, using: &random), marker: .random(using: &random),
                payload: payload[...])
            media.receive(packet, now: .zero, into: &events)
        }
        for case .accessUnit(let unit) in events { #expect(!unit.payload.isEmpty, "seed \(seed)") }
    }
}
