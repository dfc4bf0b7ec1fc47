// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP
import Swarm
import Testing

@Suite("A viewer of plain RTP") struct RTPViewerSessionTests {
    @Test(
        "counts what is missing by its numbers, and not what came late",
        arguments: [
            ([0, 1, 2, 5], 2, 0), ([0, 2, 1, 3], 0, 0), ([0, 1, 1, 2], 0, 1), ([65_534, 65_535, 0, 1], 0, 0),
            ([65_535, 1, 0], 0, 0), ([0, 100, 50], 98, 0), ([0, 200, 10], 199, 1), ([9, 8, 10], 0, 1),
        ] as [([UInt16], Int, Int)])
    func numbers(_ numbers: [UInt16], _ lost: Int, _ bad: Int) {
        var viewer = PlainViewer()
        for number in numbers { viewer.receive(PlainViewer.packet(number)) }
        #expect(viewer.tally.lostPackets == lost)
        #expect(viewer.tally.badPackets == bad)
        #expect(viewer.tally.packets == numbers.count - bad)
        #expect(viewer.tally.started == 1)
    }

    @Test("begins anew with another source")
    func sources() {
        var viewer = PlainViewer()
        viewer.receive(PlainViewer.packet(7, source: 1))
        viewer.receive(PlainViewer.packet(40_000, source: 2))
        viewer.receive(PlainViewer.packet(40_002, source: 2))
        #expect(viewer.tally.lostPackets == 1)
        #expect(viewer.tally.packets == 3)
        #expect(viewer.tally.started == 1)
    }

    @Test("answers who asks whether it wants packets, and counts nothing of it")
    func question() {
        var viewer = PlainViewer()
        var bytes = [UInt8](repeating: 0, count: SubscriberProbe.length)
        bytes.withUnsafeMutableBytes { SubscriberProbe(high: 1, low: 2).write(to: $0) }
        let isQuestion = viewer.receive(bytes)
        #expect(isQuestion)
        #expect(viewer.tally.packets == 0)
        #expect(viewer.tally.badPackets == 0)
        let isPacketOne = viewer.receive(PlainViewer.packet(1))
        #expect(!isPacketOne)
    }

    @Test("passes over RTCP, and counts what is no RTP at all")
    func strangers() {
        var viewer = PlainViewer()
        viewer.receive([0x80, 200, 0, 6] + [UInt8](repeating: 0, count: 24))
        #expect(viewer.tally.badPackets == 0)
        viewer.receive(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(viewer.tally.badPackets == 1)
        let packet = PlainViewer.packet(1, marker: true, payload: [1, 2, 3])
        for length in 0..<12 { viewer.receive(Array(packet.prefix(length))) }
        #expect(viewer.tally.badPackets == 13)
        #expect(viewer.tally.packets == 0)
        for length in 12...packet.count { viewer.receive(Array(packet.prefix(length))) }
        #expect(viewer.tally.packets == 1)
    }

    @Test("tells how long pictures were on their way by the stamps at their ends, from two seconds on")
    func delays() {
        var viewer = PlainViewer()
        for number in 0..<100 as Range<UInt16> {
            viewer.now = .milliseconds(Int(number) * 40)
            let unit: ByteSlice = [UInt8](repeating: 7, count: 200)[...]
            let stamped = FrameStamp.write(viewer.now - .milliseconds(9), over: unit)
            viewer.receive(PlainViewer.packet(number, marker: true, payload: Array(stamped)))
        }
        #expect(viewer.tally.pictures == 100)
        #expect(viewer.tally.delays.count == 50)
        #expect(viewer.tally.delays.maximum == .milliseconds(9))
        viewer.leave()
        #expect(viewer.tally.left == 1)
        #expect(viewer.tally.present == .milliseconds(3960))
    }

    @Test("that was sent nothing for two seconds has waited in vain", arguments: [(1999, 0), (2000, 1)])
    func silence(_ milliseconds: Int, _ unserved: Int) {
        var viewer = PlainViewer()
        viewer.now = .milliseconds(milliseconds)
        viewer.leave()
        #expect(viewer.tally.cutShort == 1)
        #expect(viewer.tally.unserved == unserved)
        #expect(viewer.tally.left == 0)
    }
}

/// A session with its tally and its clock.
private struct PlainViewer {
    var session: RTPViewerSession
    var tally: PlayTally
    var now: Duration = .zero

    init() {
        var tally = PlayTally()
        session = RTPViewerSession(due: .zero, tally: &tally)
        self.tally = tally
    }

    @discardableResult
    mutating func receive(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { session.receive($0, now: now, tally: &tally) }
    }

    mutating func leave() { session.leave(now: now, tally: &tally) }

    static func packet(
        _ number: UInt16, source: UInt32 = 1, marker: Bool = false, payload: [UInt8] = [1]
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        let header = RTPHeader(
            marker: marker, payloadType: 96, sequenceNumber: number, timestamp: 0, source: source)
        RTPPacket(header: header, payload: payload[...]).append(to: &bytes)
        return bytes
    }
}
