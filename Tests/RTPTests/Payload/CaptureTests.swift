// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import Media
import RTP
import Testing

@Suite("What ffmpeg packetized")
struct CaptureTests {
    /// The packets and the units of Tests/Vectors/rtp.
    private func vector(_ name: String) throws -> (packets: [RTPPacket], units: [[UInt8]]) {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: tests.appendingPathComponent("Vectors/rtp/\(name).hex"), encoding: .utf8)
        var (packets, units): ([RTPPacket], [[UInt8]]) = ([], [])
        for line in text.split(separator: "\n") {
            let bytes = hex(String(line.drop { $0 != " " }))
            if line.hasPrefix("rtp") { packets.append(try RTPPacket(parsing: bytes[...])) } else { units.append(bytes) }
        }
        return (packets, units)
    }

    private func pictures(_ codec: RTPCodec, _ packets: [RTPPacket]) -> [PictureAssembler.Picture] {
        var assembler = PictureAssembler(codec)
        var output: [PictureAssembler.Output] = []
        for packet in packets {
            assembler.receive(
                packet.payload, timestamp: Int64(packet.header.timestamp), marker: packet.header.marker, into: &output)
        }
        return output.compactMap { if case .picture(let picture) = $0 { picture } else { nil } }
    }

    @Test("is what it was made of", arguments: [.h264, .hevc] as [RTPCodec])
    func units(codec: RTPCodec) throws {
        let (packets, units) = try vector("\(codec)")
        let pictures = pictures(codec, packets)
        #expect(pictures.count == 12)
        #expect(pictures.flatMap { NALUnits($0.payload, lengthSize: 4).map(Array.init) } == units)
    }

    @Test("is what it was made of, frame by frame", arguments: [.vp8, .vp9, .av1] as [RTPCodec])
    func frames(codec: RTPCodec) throws {
        let (packets, units) = try vector("\(codec)")
        let found = pictures(codec, packets)
        #expect(found.count == 12)
        let expected = codec == .av1 ? units.map { AV1TemporalUnit($0[...]).sample } : units.map { $0[...] }
        #expect(found.map(\.payload) == expected)
    }

    @Test("begins where a decoder can", arguments: RTPCodec.allCases.filter(\.isVideo))
    func randomAccess(codec: RTPCodec) throws {
        let packets = try vector("\(codec)").packets
        var (starts, last): ([UInt32], UInt32?) = ([], nil)
        for packet in packets {
            if packet.header.timestamp != last { #expect(codec.beginsPicture(packet.payload)) }
            last = packet.header.timestamp
            if codec.beginsRandomAccess(packet.payload), starts.last != last { starts.append(packet.header.timestamp) }
        }
        #expect(starts.count == 2)
        #expect(starts.first == packets.first?.header.timestamp)
    }

    @Test("gives access units with their parameters", arguments: [.h264, .hevc, .av1, .vp8, .vp9] as [RTPCodec])
    func media(codec: RTPCodec) throws {
        let source = ReceiveSource(media: 0)
        var media = MediaFromRTP([ReceiveTrack(id: .video, source: source, codec: codec.media)])
        var events: [MediaFromRTP.Event] = []
        for (index, packet) in try vector("\(codec)").packets.enumerated() {
            let received = ReceivedPacket(
                source: source, codec: codec, sequence: Int64(index), timestamp: Int64(packet.header.timestamp),
                marker: packet.header.marker, payload: packet.payload)
            media.receive(received, now: .zero, into: &events)
        }
        guard case .parameters(.video, .video(let video))? = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect((video.width, video.height) == (192, 108))
        var units: [AccessUnit] = []
        for case .accessUnit(let unit) in events { units.append(unit) }
        #expect(units.map(\.isRandomAccess) == (0..<12).map { $0 % 6 == 0 })
        #expect(units.map { $0.decodeTime.ticks - units[0].decodeTime.ticks } == (0..<12).map { $0 * 3000 })
    }
}
