// SPDX-License-Identifier: Apache-2.0

import Cluster
import Datagrams
import Fanout
import Identity
import PlainRTP
import RTP
import Synchronization
import Telemetry
import TestKit
import Testing
import Transport
import WebRTC

@Suite("A stream of plain RTP", .serialized) struct StreamDeskTests {
    @Test(
        "asks its source for a random access point where the description has a word for it, and not more than twice a second",
        arguments: ["nack pli", "ccm fir"])
    func asks(feedback: String) async throws {
        let world = try World(feedback)
        world.door.want()
        #expect(world.source.waiting().isEmpty)
        let begun = ContinuousClock.now
        var requests: [RTCPPacket] = []
        for number in 1...20 as ClosedRange<UInt16> {
            world.door.want()
            requests += try world.requests(after: number)
        }
        let most = 1 + Int((ContinuousClock.now - begun) / .milliseconds(500))
        #expect((1...most).contains(requests.count), "\(requests)")
        for request in requests {
            switch request {
            case .pictureLoss(let sender, 7): #expect(feedback == "nack pli" && sender != 7)
            case .fullIntraRequest(let request):
                #expect(feedback == "ccm fir" && request.entries.map(\.media) == [7] && request.sender != 7)
            default: Issue.record("\(request)")
            }
        }
        var number: UInt16 = 100
        try await eventually("it asks again") {
            world.door.want()
            number += 1
            return try !world.requests(after: number).isEmpty
        }
    }

    @Test("asks again until a random access point comes, and for a subscriber who comes late")
    func subscriber() throws {
        let world = try World("nack pli")
        #expect(try world.requests(after: 1).count == 1)
        // How many come within the time, after packets of no picture, for whose sake nothing is wanted.
        func requests(within time: Duration, isEnough: (Int) -> Bool) throws -> Int {
            let limit = ContinuousClock.now + time
            var count = 0
            while ContinuousClock.now < limit, !isEnough(count) {
                count += try world.requests(after: 2, payloadType: 98).count
            }
            return count
        }
        // Half a second after the last request.
        let again = try requests(within: .seconds(30)) { $0 > 0 }
        #expect(again == 1)
        #expect(try world.requests(after: randomAccess(7, 2)).isEmpty)
        let needless = try requests(within: .milliseconds(700)) { _ in false }
        #expect(needless == 0)
        let late = try UDPSocket()
        try world.desk.subscribe(late.endpoint, to: world.session)
        let forLate = try requests(within: .seconds(30)) { $0 > 0 }
        #expect(forLate == 1)
        #expect(late.receive() != nil)
    }

    @Test("says nothing to a source that hears nothing, or not there, nor to a stranger")
    func silence() throws {
        for deaf in [try World("nack"), try World("nack pli", isMultiplexed: false)] {
            deaf.door.want()
            #expect(try deaf.requests(after: 1).isEmpty)
        }
        let world = try World("nack pli")
        _ = try world.requests(after: 1)
        let stranger = try UDPSocket()
        for number in 2...20 as ClosedRange<UInt16> {
            world.door.want()
            stranger.send(packet(7, number), to: world.desk.port)
            _ = try world.requests(after: 100 + number)
        }
        #expect(stranger.waiting().isEmpty)
    }
}

/// A stream of one track whose source is the first that sends, and a subscriber by which it is known what was done.
private struct World {
    let desk: FanoutDesk
    let streams: StreamDesk
    let door = Door()
    let session: SessionID
    let source: UDPSocket
    let viewer: UDPSocket

    /// - Parameter isMultiplexed: whether the source takes RTCP at the port that it sends from.
    init(_ feedback: String, isMultiplexed: Bool = true) throws {
        let registry = MetricRegistry(families: PlainRTPMetrics.families + DatagramMetrics.families)
        desk = try FanoutDesk.start(
            PlainRTPSettings(
                local: Endpoint(address: .v4(0x7F00_0001), port: 0), threads: 1, hold: .milliseconds(2),
                allowed: .loopback, fanout: FanoutSettings()),
            metrics: PlainRTPMetrics(registry), datagrams: DatagramMetrics(registry, port: .rtp))
        streams = StreamDesk(desk)
        source = try UDPSocket()
        viewer = try UDPSocket()
        let text = """
            v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 5004 RTP/AVPF 97\r
            a=rtpmap:97 H264/90000\r\na=rtcp-fb:97 \(feedback)\r\na=ssrc:7 cname:x\r
            a=fmtp:97 sprop-parameter-sets=Z0LAH9oBQBbsBEAAAAMAQAAADwPGDKg=,aM4PyA==\r\(isMultiplexed ? "\na=rtcp-mux\r" : "")

            """
        let offer = try StreamOffer(try SessionDescription(parsing: Array(text.utf8)[...]), sources: [])
        let sessions = try streams.begin(
            try StreamID(app: "live", name: "demo"), offer, from: Endpoint(address: .v4(0), port: 0), door: door)
        session = try #require(sessions.first).id
        try desk.subscribe(viewer.endpoint, to: session)
    }

    /// Sends a packet, and gives what its source was asked by the time at which the subscriber has it.
    func requests(after number: UInt16, payloadType: UInt8 = 97) throws -> [RTCPPacket] {
        var bytes = packet(7, number)
        bytes[1] = 0x80 | payloadType
        return try requests(after: bytes)
    }

    func requests(after bytes: [UInt8]) throws -> [RTCPPacket] {
        source.send(bytes, to: desk.port)
        #expect(viewer.receive() == bytes)
        var found: [RTCPPacket] = []
        for datagram in source.waiting() {
            var decoder = RTCPDecoder(datagram[...])
            while let next = try decoder.next() {
                switch next {
                case .receiverReport, .sourceDescription: continue
                default: found.append(next)
                }
            }
        }
        return found
    }
}

/// A packet with a whole picture at which decoding can begin.
private func randomAccess(_ source: UInt32, _ number: UInt16) -> [UInt8] {
    [0x80, 0x80 | 97, UInt8(number >> 8), UInt8(number & 0xFF), 1, 2, 3, 5]
        + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: source >> $0) } + [0x65, 0x88, 0x84, 0x21, 0xFF]
}

/// Lets every publisher in, and keeps how it is asked for a random access point.
private final class Door: StreamDoor {
    private let ask = Mutex<(@Sendable () -> Void)?>(nil)

    func open(cut: @escaping @Sendable () -> Void, ask: @escaping @Sendable () -> Void) -> StreamAdmission {
        self.ask.withLock { $0 = ask }
        return .open(Intake())
    }

    /// Somebody's decoder can not go on.
    func want() { ask.withLock { $0 }?() }
}

/// Takes everything.
private struct Intake: StreamIntake {
    func take(_ events: [MediaFromRTP.Event]) -> Bool { true }
    func leave() {}
}
