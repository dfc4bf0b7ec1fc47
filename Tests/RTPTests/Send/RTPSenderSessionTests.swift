// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import TestKit
import Testing

@Suite("A sender session")
struct RTPSenderSessionTests {
    private let clock = SendClock(wall: WallTime(milliseconds: 1_000_000), at: .zero)

    /// A viewer that was sent ten packets of video and of sound.
    private func session() throws -> RTPSenderSession {
        func track(_ source: UInt32) -> SendTrack {
            SendTrack(
                SendFormat(
                    .opus, source: source, payloadType: 96, repair: .init(source: source + 1, payloadType: 97),
                    extensions: ExtensionMap()), firstSequence: 0, firstTimestamp: 0)
        }
        var session = RTPSenderSession(video: track(10), audio: track(20))
        var ring = PacketRing(.audio)
        for index in 0..<10 as Range<Int64> {
            ring.append([1, 2, 3], timestamp: index, marker: true, beginsRandomAccess: true, now: .zero)
            let packet = try #require(ring[index])
            if index == 0 {
                session.video?.begin(at: packet, of: 2)
                session.audio?.begin(at: packet, of: 0)
            }
            var bytes: [UInt8] = []
            session.video?.append(packet, of: ring, transport: &session.transport, now: .zero, to: &bytes)
            session.audio?.append(packet, of: ring, transport: &session.transport, now: .zero, to: &bytes)
            session.sent(bytes: bytes.count, number: nil, now: .zero)
        }
        return session
    }

    private func receive(_ packets: [RTCPPacket], _ session: inout RTPSenderSession, at now: Duration = .zero)
        -> [RTPSenderSession.Directive]
    {
        var directives: [RTPSenderSession.Directive] = []
        session.receive(rtcp: write(packets)[...], clock: clock, now: now, into: &directives)
        return directives
    }

    @Test("names what is to be sent again, once a round trip")
    func nack() throws {
        var session = try session()
        let nack = RTCPPacket.nack(NegativeAcknowledgement(sender: 1, media: 10, missing: [3, 4, 99]))
        let orders: [RTPSenderSession.Directive] = [
            .resend(.video, layer: 2, sequence: 2, number: 3), .resend(.video, layer: 2, sequence: 3, number: 4),
        ]
        #expect(receive([nack], &session) == orders)
        #expect(receive([nack], &session, at: .milliseconds(30)) == [])
        #expect(receive([nack], &session, at: .milliseconds(80)) == orders)
        let other = RTCPPacket.nack(NegativeAcknowledgement(sender: 1, media: 99, missing: [3]))
        #expect(receive([other], &session, at: .seconds(1)) == [])
    }

    @Test("passes on requests for random access points, and farewells")
    func requests() throws {
        var session = try session()
        #expect(receive([.pictureLoss(sender: 1, media: 10)], &session) == [.randomAccess(.video)])
        let fir = FullIntraRequest(sender: 1, entries: [.init(media: 10, number: 1), .init(media: 77, number: 1)])
        #expect(
            receive([.fullIntraRequest(fir), .goodbye(Goodbye(sources: []))], &session) == [
                .randomAccess(.video), .goodbye,
            ])
        var directives: [RTPSenderSession.Directive] = []
        session.receive(rtcp: [0x80, 201, 0], clock: clock, now: .zero, into: &directives)
        #expect(session.malformed == 1)
    }

    @Test("tells the time once a second, by one clock for both tracks")
    func reports() throws {
        var session = try session()
        #expect(session.nextDeadline == .zero)
        var bytes: [UInt8] = []
        session.appendReports(clock: clock, canonicalName: [0x61], now: .seconds(2), to: &bytes)
        let packets = try read(bytes)
        #expect(packets.count == 4)
        guard case .senderReport(let video) = packets[0], case .senderReport(let audio) = packets[2] else {
            Issue.record("\(packets)")
            return
        }
        #expect((video.source, video.packets, video.octets, video.timestamp) == (10, 10, 30, 180_000))
        #expect((audio.source, audio.timestamp) == (20, 96_000))
        #expect(video.time == NTPTime(WallTime(milliseconds: 1_002_000)))
        #expect(video.time == audio.time)
        bytes = []
        session.appendReports(clock: clock, canonicalName: [0x61], now: .milliseconds(2900), to: &bytes)
        #expect(bytes.isEmpty)
        #expect(session.nextDeadline == .seconds(3))
    }

    @Test("believes a viewer's own estimate where it sends no feedback")
    func estimate() throws {
        var session = try session()
        session.estimator = BandwidthEstimator()
        let remb = RTCPPacket.receiverEstimate(ReceiverEstimate(sender: 1, bitsPerSecond: 400_000, sources: [10]))
        #expect(receive([remb], &session) == [.estimate(400_000)])
        #expect(receive([remb], &session) == [])
    }
}
