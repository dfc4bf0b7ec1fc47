// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import Swarm
import Testing

@Suite("A publisher of plain RTP") struct RTPPublisherSessionTests {
    @Test("sends each picture when it is due, over the rounds of its clip, and no sound")
    func rounds() throws {
        let packets = try Self.packets(for: .seconds(5)).map { try RTPPacket(parsing: $0[...]) }
        #expect(packets.map(\.header.sequenceNumber) == packets.indices.map { UInt16($0) })
        #expect(packets.allSatisfy { $0.header.source == 77 && $0.header.payloadType == 96 })
        let times = packets.filter(\.header.marker).map { Int($0.header.timestamp) }
        #expect(times.count == 150)
        // Thirty a second on a clock of 90 kHz, rounded to milliseconds.
        #expect(zip(times, times.dropFirst()).allSatisfy { (2900...3100).contains($1 - $0) })
    }

    @Test("cuts long pictures, and writes the time over the end of each")
    func stamps() throws {
        let packets = try Self.packets(for: .seconds(1)).map { try RTPPacket(parsing: $0[...]) }
        let ends = packets.filter(\.header.marker)
        #expect(packets.count > ends.count * 2)
        #expect(packets.allSatisfy { $0.payload.count <= 1180 })
        #expect(ends.compactMap { FrameStamp.read($0.payload) }.count == ends.count)
    }

    @Test("is whole to a viewer, who sees no more and no less than was sent")
    func viewer() throws {
        var tally = PlayTally()
        var viewer = RTPViewerSession(due: .zero, tally: &tally)
        for packet in try Self.packets(for: .seconds(1)) {
            let isQuestion = packet.withUnsafeBytes { viewer.receive($0, now: .zero, tally: &tally) }
            #expect(!isQuestion)
        }
        #expect(tally.pictures == 30)
        #expect(tally.lostPackets == 0)
        #expect(tally.badPackets == 0)
    }

    @Test("is described by its source, its port and its codec")
    func description() throws {
        let session = try Self.session()
        let lines = session.description(port: 5004).split(separator: "\r\n")
        #expect(lines.first == "v=0")
        #expect(lines.contains("m=video 5004 RTP/AVP 96"))
        #expect(lines.contains("a=rtpmap:96 H264/90000"))
        #expect(lines.contains("a=ssrc:77 cname:millrace-load-77"))
    }

    @Test("can not be made of a clip without pictures")
    func sound() throws {
        let clip = try Clip(flv: ClipTests.flv(hasVideo: false)[...])
        #expect(throws: ClipPictures.Failure.noPictures) {
            try ClipPictures(clip, wall: WallTime(milliseconds: 0), now: .zero)
        }
    }

    @Test("can not be made of a clip with B-frames to which others refer")
    func reordered() throws {
        let clip = try Clip.synthetic(bFrames: 2)
        #expect(throws: ClipPictures.Failure.reorderedReferences) {
            try ClipPictures(clip, wall: WallTime(milliseconds: 0), now: .zero)
        }
    }

    /// All packets of so long, as a timer of 10 ms has them sent.
    private static func packets(for length: Duration) throws -> [[UInt8]] {
        var session = try session()
        var packets: [[UInt8]] = []
        var elapsed = Duration.zero
        while elapsed < length {
            while session.due <= elapsed {
                session.next(elapsed: elapsed, stamp: elapsed, now: elapsed, into: &packets)
            }
            elapsed += .milliseconds(10)
        }
        return packets
    }

    private static func session() throws -> RTPPublisherSession {
        let wall = WallTime(milliseconds: 1_795_255_200_000)
        return RTPPublisherSession(try ClipPictures(.synthetic(), wall: wall, now: .zero), source: 77)
    }
}
