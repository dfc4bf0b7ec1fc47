// SPDX-License-Identifier: Apache-2.0

import RTP
import TestKit
import Testing

@Suite("The head of a datagram") struct RTPDatagramHeadTests {
    @Test("tells RTP from RTCP and whose it is")
    func reads() throws {
        let packet: [UInt8] = [0x81, 0xE0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]
        let head = try #require(read(packet))
        #expect(head.isMarked && !head.isReport)
        #expect(head.source == 0x0102_0304)
        let report = try #require(read([0x80, 200, 0, 1, 9, 8, 7, 6]))
        #expect(report.isReport && !report.isMarked)
        #expect(report.source == 0x0908_0706)
    }

    @Test("is nil for what is cut off or of another version")
    func truncated() {
        let packet: [UInt8] = [0x81, 0x60, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8]
        for count in 0..<packet.count { #expect(read(Array(packet.prefix(count))) == nil) }
        for version in UInt8(0)..<4 where version != 2 { #expect(read([version << 6 | 1] + packet.dropFirst()) == nil) }
    }

    private func read(_ bytes: [UInt8]) -> RTPDatagramHead? { bytes.withUnsafeBytes { RTPDatagramHead($0) } }
}

@Suite("A subscriber's probe") struct SubscriberProbeTests {
    @Test("reads back, and nothing else does")
    func roundTrip() {
        let probe = SubscriberProbe(high: 0x0102_0304_0506_0708, low: 0xFFFE_FDFC_FBFA_F9F8)
        var bytes = [UInt8](repeating: 0, count: SubscriberProbe.length)
        bytes.withUnsafeMutableBytes { probe.write(to: $0) }
        #expect(Array(bytes.prefix(12)) == [0x80, 204, 0, 6, 0, 0, 0, 0] + Array("MRSB".utf8))
        #expect(read(bytes) == probe)
        for count in 0..<bytes.count { #expect(read(Array(bytes.prefix(count))) == nil) }
        #expect(read(bytes + [0]) == nil)
        for bit in 0..<96 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(read(flipped) == nil)
        }
    }

    private func read(_ bytes: [UInt8]) -> SubscriberProbe? { bytes.withUnsafeBytes { SubscriberProbe($0) } }
}
