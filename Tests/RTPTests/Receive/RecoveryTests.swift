// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import TestKit
import Testing

/// A publisher and a receiver with a link between them in each direction, both ends ours.
struct RecoveryRun {
    private var random: SeededRandom
    private var forth: LinkModel
    private var back: LinkModel
    private var now: Duration = .zero
    private var toReceiver: [(at: Duration, bytes: [UInt8], isReport: Bool)] = []
    private var toSender: [(at: Duration, bytes: [UInt8])] = []
    private var sender: RTPSenderSession
    private var receiver: RTPReceiverSession
    private var media: MediaFromRTP
    private var ring = PacketRing(.video)
    private let clock = SendClock(wall: WallTime(milliseconds: 1_795_255_200_000), at: .zero)
    /// The pictures that were sent, and those that came.
    private(set) var sent: [ByteSlice] = []
    private(set) var came: [ByteSlice] = []
    private(set) var again = 0
    private var wantsRandomAccess = true
    private(set) var datagrams = 0

    init(seed: UInt64, link: LinkSettings, hasRepair: Bool) {
        random = SeededRandom(seed: seed)
        (forth, back) = (LinkModel(link), LinkModel(link))
        var video = ReceiveMedia(mid: "0", formats: [96: .codec(.h264)])
        if hasRepair { video.formats[97] = .retransmission(of: 96) }
        video.sources = [.init(media: 7, repair: hasRepair ? 8 : nil)]
        video.feedback = [.nack, .pictureLoss]
        receiver = RTPReceiverSession(ReceiveSettings(media: [video], source: 1))
        media = MediaFromRTP([ReceiveTrack(id: .video, source: ReceiveSource(media: 0), codec: .h264)])
        sender = RTPSenderSession(
            video: SendTrack(
                SendFormat(
                    .h264, source: 7, payloadType: 96, repair: hasRepair ? .init(source: 8, payloadType: 97) : nil,
                    extensions: ExtensionMap()),
                firstSequence: 32_000, firstTimestamp: 4_294_900_000), audio: nil)
    }

    /// Sends `count` pictures at 30 a second in groups of 60, and waits for what is under way.
    mutating func run(pictures count: Int, parameters: Track) throws {
        var packetizer = RTPFromMedia(wall: WallTime(milliseconds: 0), now: .zero)
        packetizer.begin([parameters])
        var batch = PayloadBatch()
        for index in 0..<count {
            advance(to: .microseconds(Int64(index) * 33_333))
            let isKey = index % 60 == 0 || wantsRandomAccess
            wantsRandomAccess = false
            let size = Int.random(in: isKey ? 8000...20_000 : 200...6000, using: &random)
            let unit = AccessUnit(
                track: .video, decodeTime: MediaTime(ticks: Int64(index) * 3000, timescale: .video),
                isRandomAccess: isKey,
                payload: picture([[isKey ? 0x65 : 0x41, 0x80] + noise(size, using: &random)]))
            sent.append(unit.payload)
            guard case .payloads(let timestamp) = packetizer.packetize(unit, now: now, into: &batch) else { continue }
            for sequence in ring.append(batch, timestamp: timestamp, isRandomAccess: isKey, now: now) {
                try send(sequence)
            }
        }
        advance(to: now + .seconds(2))
    }

    private mutating func send(_ sequence: Int64) throws {
        let packet = try #require(ring[sequence])
        if sender.video?.layer == nil { sender.video?.begin(at: packet, of: 0) }
        var bytes: [UInt8] = []
        sender.video?.append(packet, of: ring, transport: &sender.transport, now: now, to: &bytes)
        sender.sent(bytes: bytes.count, number: nil, now: now)
        transmit(bytes, isReport: false)
    }

    private mutating func transmit(_ bytes: [UInt8], isReport: Bool) {
        datagrams += 1
        let times = forth.send(bytes: bytes.count, now: now, using: &random)
        for case .some(let at) in [times.first, times.second] { toReceiver.append((at, bytes, isReport)) }
    }

    /// Lets everything happen that is due up to `time`, in its order.
    private mutating func advance(to time: Duration) {
        while let next = [
            toReceiver.map(\.at).min(), toSender.map(\.at).min(), receiver.nextDeadline, sender.nextDeadline,
        ].compactMap({ $0 }).min(), next <= time {
            now = max(now, next)
            step()
        }
        now = time
    }

    private mutating func step() {
        var directives: [RTPReceiverSession.Directive] = []
        for item in toReceiver.filter({ $0.at <= now }).sorted(by: { $0.at < $1.at }) {
            if item.isReport {
                receiver.receive(rtcp: item.bytes[...], now: now, into: &directives)
            } else {
                receiver.receive(rtp: item.bytes[...], now: now, into: &directives)
            }
        }
        toReceiver.removeAll { $0.at <= now }
        receiver.tick(now: now, into: &directives)
        obey(directives)
        var orders: [RTPSenderSession.Directive] = []
        for item in toSender where item.at <= now {
            sender.receive(rtcp: item.bytes[...], clock: clock, now: now, into: &orders)
        }
        toSender.removeAll { $0.at <= now }
        obey(orders)
        var report: [UInt8] = []
        sender.appendReports(clock: clock, canonicalName: [1], now: now, to: &report)
        if !report.isEmpty { transmit(report, isReport: true) }
    }

    private mutating func obey(_ directives: [RTPReceiverSession.Directive]) {
        var events: [MediaFromRTP.Event] = []
        for directive in directives {
            switch directive {
            case .packet(let packet): media.receive(packet, now: now, into: &events)
            case .lost(let source, _): media.lose(source, now: now, into: &events)
            case .report(let source, let report): media.receive(report, of: source)
            case .send(let bytes):
                let times = back.send(bytes: bytes.count, now: now, using: &random)
                for case .some(let at) in [times.first, times.second] { toSender.append((at, bytes)) }
            case .began, .goodbye: continue
            }
        }
        var wishes: [RTPReceiverSession.Directive] = []
        for event in events {
            if case .accessUnit(let unit) = event { came.append(unit.payload) }
            if case .randomAccessWanted(let source) = event {
                receiver.requestRandomAccess(of: source, now: now, into: &wishes)
            }
        }
        if !wishes.isEmpty { obey(wishes) }
    }

    private mutating func obey(_ orders: [RTPSenderSession.Directive]) {
        if orders.contains(.randomAccess(.video)) { wantsRandomAccess = true }
        for case .resend(_, _, let sequence, let number) in orders {
            guard let packet = ring[sequence] else { continue }
            var bytes: [UInt8] = []
            _ = sender.video?.appendAgain(
                packet, number, of: ring, transport: &sender.transport, now: now, to: &bytes)
            again += 1
            transmit(bytes, isReport: false)
        }
    }

    var lost: Int64 { receiver.counters(ReceiveSource(media: 0))?.lost ?? 0 }
    var roundTrip: Duration? { sender.roundTrip }
}

@Suite("A lossy link")
struct RecoveryTests {
    private static func track() throws -> Track {
        Track(id: .video, parameters: .video(try NALPayloadTests.parameters(.h264)))
    }

    @Test("of 5 % brings 99.5 % of pictures by retransmission", arguments: 1...8 as ClosedRange<UInt64>, [true, false])
    func fivePercent(seed: UInt64, hasRepair: Bool) throws {
        var link = LinkSettings.losing(0.05)
        (link.delay, link.jitter) = (.milliseconds(20), .milliseconds(10))
        (link.duplication, link.reordering) = (0.01, 0.02)
        var run = RecoveryRun(seed: seed, link: link, hasRepair: hasRepair)
        try run.run(pictures: 1500, parameters: Self.track())
        let came = Set(run.came)
        // What is overtaken before the first packet comes is not known to be missing: a second counts as the beginning.
        let missing = run.sent.indices.dropFirst(30).filter { !came.contains(run.sent[$0]) }
        #expect(missing.count <= 7, "seed \(seed): \(missing)")
        #expect(run.came.count == came.count, "seed \(seed)")
        #expect(run.again > 100)
        #expect(run.again * 4 < run.datagrams, "seed \(seed)")
    }

    @Test("in bursts never shows half a picture, nor one out of order", arguments: 1...4 as ClosedRange<UInt64>)
    func bursts(seed: UInt64) throws {
        var link = LinkSettings.losing(0.02)
        (link.delay, link.burstBegin, link.burstEnd) = (.milliseconds(60), 0.005, 0.02)
        var run = RecoveryRun(seed: seed, link: link, hasRepair: true)
        try run.run(pictures: 1500, parameters: Self.track())
        var index = 0
        for picture in run.came {
            while index < run.sent.count, run.sent[index] != picture { index += 1 }
        }
        #expect(index < run.sent.count, "seed \(seed): a picture that was not sent, or out of order")
        #expect(run.came.count > 600, "seed \(seed)")
    }

    @Test("without loss asks for nothing, and knows the round trip")
    func clean() throws {
        var link = LinkSettings()
        (link.delay, link.jitter) = (.milliseconds(25), .zero)
        var run = RecoveryRun(seed: 1, link: link, hasRepair: true)
        try run.run(pictures: 300, parameters: Self.track())
        #expect(run.came == run.sent)
        #expect(run.again == 0)
        #expect(run.lost == 0)
        let trip = try #require(run.roundTrip)
        #expect(abs((trip - .milliseconds(50)) / .milliseconds(1)) < 1)
    }
}
