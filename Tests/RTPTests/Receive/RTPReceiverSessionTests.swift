// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import TestKit
import Testing

/// What was negotiated with a publisher of simulcast and sound, as Chromium offers it.
func simulcast() -> ReceiveSettings {
    var video = ReceiveMedia(
        mid: "1",
        formats: [96: .codec(.vp8), 97: .retransmission(of: 96), 102: .codec(.h264), 103: .retransmission(of: 102)])
    video.rids = ["l", "m", "h"]
    video.feedback = [.nack, .pictureLoss, .transport]
    let audio = ReceiveMedia(mid: "0", formats: [111: .codec(.opus), 13: .ignored])
    var settings = ReceiveSettings(media: [audio, video], source: 1)
    (settings.extensions.mid, settings.extensions.rid, settings.extensions.repairedRID) = (4, 10, 11)
    settings.extensions.transportSequence = 3
    return settings
}

/// What was negotiated with ffmpeg: signalled sources, no extension, NACK without more.
func plain() -> ReceiveSettings {
    let audio = ReceiveMedia(mid: "", formats: [111: .codec(.opus)])
    var video = ReceiveMedia(mid: "", formats: [106: .codec(.h264), 105: .retransmission(of: 106)])
    video.sources = [.init(media: 0x22, repair: 0x33)]
    video.feedback = [.nack]
    return ReceiveSettings(media: [audio, video], source: 1)
}

func datagram(
    _ payloadType: UInt8, _ number: UInt16, source: UInt32, time: UInt32 = 0, extensions: String = "",
    payload: [UInt8] = [0x65, 0x88]
) -> ByteSlice {
    var bytes: [UInt8] = []
    RTPPacket(
        header: RTPHeader(
            marker: true, payloadType: payloadType, sequenceNumber: number, timestamp: time, source: source),
        extensions: extensions.isEmpty ? .none : HeaderExtensions(profile: 0xBEDE, bytes: hex(extensions)[...]),
        payload: payload[...]
    ).append(to: &bytes)
    return bytes[...]
}

@Suite("A receiver session")
struct RTPReceiverSessionTests {
    typealias Directive = RTPReceiverSession.Directive

    private func packets(_ directives: [Directive]) -> [String] {
        directives.compactMap {
            switch $0 {
            case .packet(let packet): "\(packet.source.media).\(packet.source.layer) \(packet.codec) \(packet.sequence)"
            case .lost(let source, let count): "\(source.media).\(source.layer) lost \(count)"
            case .began, .goodbye, .report, .send: nil
            }
        }
    }

    private func sent(_ directives: [Directive]) throws -> [RTCPPacket] {
        try directives.flatMap { directive -> [RTCPPacket] in
            if case .send(let bytes) = directive { try read(bytes) } else { [] }
        }
    }

    @Test("tells layers apart by mid and rid, and remembers their sources")
    func simulcastLayers() {
        var session = RTPReceiverSession(simulcast())
        var directives: [Directive] = []
        // mid "1" and rid "m"; then the source alone; its repair by repaired rid; sound by payload type.
        session.receive(rtp: datagram(96, 10, source: 5, extensions: "4031 a06d"), now: .zero, into: &directives)
        session.receive(rtp: datagram(96, 12, source: 5), now: .zero, into: &directives)
        session.receive(
            rtp: datagram(97, 900, source: 6, extensions: "4031 b06d", payload: [0, 11, 1]), now: .zero,
            into: &directives)
        session.receive(rtp: datagram(111, 3, source: 7, payload: [0x78]), now: .zero, into: &directives)
        session.receive(rtp: datagram(96, 77, source: 8, extensions: "4031 a068"), now: .zero, into: &directives)
        #expect(packets(directives) == ["1.1 vp8 10", "1.1 vp8 11", "1.1 vp8 12", "0.0 opus 3", "1.2 vp8 77"])
    }

    @Test("passes over what nobody negotiated")
    func unknown() {
        var session = RTPReceiverSession(simulcast())
        var directives: [Directive] = []
        for bytes in [
            datagram(96, 1, source: 5), datagram(96, 1, source: 5, extensions: "4039 a06d"),
            datagram(96, 1, source: 5, extensions: "4031 a078"), datagram(97, 1, source: 6, extensions: "4031 b06d"),
            datagram(13, 1, source: 7), datagram(55, 1, source: 8),
        ] { session.receive(rtp: bytes, now: .zero, into: &directives) }
        #expect(directives.isEmpty)
        #expect(session.ignored.unknown == 6)
        session.receive(rtp: [0x80, 1], now: .zero, into: &directives)
        session.receive(rtcp: [0x80, 200, 0], now: .zero, into: &directives)
        #expect(session.ignored.malformed == 2)
    }

    @Test("takes signalled sources, and sound whose source was not")
    func signalled() {
        var session = RTPReceiverSession(plain())
        var directives: [Directive] = []
        session.receive(rtp: datagram(106, 1, source: 0x22), now: .zero, into: &directives)
        session.receive(rtp: datagram(105, 1, source: 0x33, payload: [0, 2, 9]), now: .zero, into: &directives)
        session.receive(rtp: datagram(111, 9, source: 0x44, payload: [0x78]), now: .zero, into: &directives)
        #expect(packets(directives) == ["1.0 h264 1", "1.0 h264 2", "0.0 opus 9"])
    }

    @Test("goes on with the new source of a layer, above its numbers")
    func newSource() {
        var session = RTPReceiverSession(simulcast())
        var directives: [Directive] = []
        session.receive(rtp: datagram(96, 60_000, source: 5, extensions: "4031 a06d"), now: .zero, into: &directives)
        session.receive(rtp: datagram(96, 10, source: 9, extensions: "4031 a06d"), now: .zero, into: &directives)
        session.receive(rtp: datagram(96, 11, source: 9), now: .zero, into: &directives)
        #expect(packets(directives) == ["1.1 vp8 60000", "1.1 lost 1", "1.1 vp8 65546", "1.1 vp8 65547"])
    }

    @Test("asks for missing packets, and reports once a second")
    func reports() throws {
        var session = RTPReceiverSession(plain())
        var directives: [Directive] = []
        #expect(session.nextDeadline == nil)
        session.receive(rtp: datagram(106, 1, source: 0x22), now: .zero, into: &directives)
        session.receive(rtp: datagram(106, 4, source: 0x22), now: .zero, into: &directives)
        #expect(session.nextDeadline == .milliseconds(10))
        session.tick(now: .milliseconds(10), into: &directives)
        #expect(
            try sent(directives).contains(
                .nack(NegativeAcknowledgement(sender: 1, media: 0x22, missing: [2, 3]))))
        directives = []
        session.tick(now: .milliseconds(500), into: &directives)
        let packets = try sent(directives)
        guard case .receiverReport(let report)? = packets.first else {
            Issue.record("\(packets)")
            return
        }
        #expect(report.reports.map(\.source) == [0x22])
        #expect(report.reports.first?.lost == 2)
        #expect(self.packets(directives) == ["1.0 lost 2", "1.0 h264 4"])
        #expect(session.nextDeadline == .milliseconds(1500))
    }

    @Test("tells arrivals ten times a second where that was negotiated")
    func transport() throws {
        var session = RTPReceiverSession(simulcast())
        var directives: [Directive] = []
        session.receive(
            rtp: datagram(111, 3, source: 7, extensions: "31 0005 00", payload: [0x78]), now: .zero, into: &directives)
        session.receive(
            rtp: datagram(111, 4, source: 7, extensions: "31 0007 00", payload: [0x78]), now: .zero, into: &directives)
        session.tick(now: .milliseconds(100), into: &directives)
        guard case .transportFeedback(let feedback)? = try sent(directives).last else {
            Issue.record("\(directives)")
            return
        }
        #expect(feedback.base == 5)
        #expect(feedback.deltas == [0, nil, 0])
    }

    @Test("asks for a random access point twice a second at most, in the way that was negotiated")
    func randomAccess() throws {
        var settings = simulcast()
        var session = RTPReceiverSession(settings)
        var directives: [Directive] = []
        let source = ReceiveSource(media: 1, layer: 1)
        session.requestRandomAccess(of: source, now: .zero, into: &directives)
        #expect(directives.isEmpty)
        session.receive(rtp: datagram(96, 10, source: 5, extensions: "4031 a06d"), now: .zero, into: &directives)
        directives = []
        for time in [0, 100, 499, 500, 700] {
            session.requestRandomAccess(of: source, now: .milliseconds(time), into: &directives)
        }
        #expect(try sent(directives).filter { $0 == .pictureLoss(sender: 1, media: 5) }.count == 2)
        settings.media[1].feedback = [.fullIntraRequest]
        session = RTPReceiverSession(settings)
        session.receive(rtp: datagram(96, 10, source: 5, extensions: "4031 a06d"), now: .zero, into: &directives)
        directives = []
        for time in [0, 500] { session.requestRandomAccess(of: source, now: .milliseconds(time), into: &directives) }
        let numbers = try sent(directives).compactMap {
            if case .fullIntraRequest(let request) = $0 { request.entries[0].number } else { nil }
        }
        #expect(numbers == [0, 1])
    }

    @Test("passes on the publisher's clock and its farewell")
    func senderReports() {
        var session = RTPReceiverSession(plain())
        var directives: [Directive] = []
        session.receive(rtp: datagram(106, 1, source: 0x22, time: .max), now: .zero, into: &directives)
        session.receive(rtp: datagram(106, 2, source: 0x22, time: 10), now: .zero, into: &directives)
        directives = []
        let report = SenderReport(source: 0x22, time: NTPTime(bits: 99 << 32), timestamp: 5, packets: 1, octets: 1)
        let bytes = write([.senderReport(report), .goodbye(Goodbye(sources: [0x22, 0x99]))])
        session.receive(rtcp: bytes[...], now: .zero, into: &directives)
        let source = ReceiveSource(media: 1)
        #expect(
            directives == [
                .report(source, ClockReport(time: report.time, timestamp: 1 << 32 + 5)), .goodbye(source),
            ])
    }

    @Test("survives nonsense", arguments: 0..<100 as Range<UInt64>)
    func nonsense(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var session = RTPReceiverSession(simulcast())
        var directives: [Directive] = []
        var now: Duration = .zero
        for _ in 0..<500 {
            now += .milliseconds(Int.random(in: 0...30, using: &random))
            var bytes = Array(
                datagram(
                    [96, 97, 102, 103, 111].randomElement(using: &random) ?? 96,
                    .random(in: 0...(.max), using: &random),
                    source: .random(in: 0...9, using: &random),
                    extensions: ["4031 a06d", "4031 b06c", "4030 0000", ""].randomElement(using: &random) ?? "",
                    payload: noise(.random(in: 0...20, using: &random), using: &random)))
            if Bool.random(using: &random) {
                bytes[.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
            }
            session.receive(rtp: bytes[...], now: now, into: &directives)
            session.receive(
                rtcp: noise(.random(in: 0...40, using: &random), using: &random)[...], now: now, into: &directives)
            session.tick(now: now, into: &directives)
        }
        #expect(session.ignored.packets <= 500, "seed \(seed)")
    }
}
