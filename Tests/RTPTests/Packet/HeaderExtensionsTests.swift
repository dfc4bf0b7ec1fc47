// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP
import TestKit
import Testing

@Suite("Header extensions")
struct HeaderExtensionsTests {
    /// RFC 8285 §4.2 and §4.3: the figures, with padding between and behind.
    @Test(
        "are read in both forms",
        arguments: [
            (0xBEDE, "10aa 00 22bbccdd 0000", [(1, "aa"), (2, "bbccdd")]),
            (0x1000, "0100 0201aa 00 0304bbccddee", [(1, ""), (2, "aa"), (3, "bbccddee")]),
            (0x100F, "ff 01 07 00", [(255, "07")]),
            (0xBEDE, "10aa f0bb 20cc 00", [(1, "aa")]),
            (0xBEDE, "10aa 03 20cc 0000", [(1, "aa")]),
            (0xBEDE, "10aa 2f00", [(1, "aa")]),
            (0x1000, "01 ff 00 00", []),
            (0x1000, "01 00 02", [(1, "")]),
            (0x1234, "10aa0000", []),
            (0xBEDE, "", []),
        ] as [(Int, String, [(Int, String)])])
    func read(row: (profile: Int, bytes: String, elements: [(Int, String)])) {
        let extensions = HeaderExtensions(profile: UInt16(row.profile), bytes: hex(row.bytes)[...])
        let found = extensions.map { "\($0.id) \($0.value.hex)" }
        #expect(found == row.elements.map { "\($0.0) \($0.1)" })
    }

    @Test("are read as they were written", arguments: [false, true], 0..<50 as Range<UInt64>)
    func roundTrip(isTwoByte: Bool, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var bytes: [UInt8] = []
        RTPHeader(payloadType: 96, sequenceNumber: 1, timestamp: 2, source: 3).append(to: &bytes, hasExtensions: true)
        let block = ExtensionBlockWriter(in: &bytes, isTwoByte: isTwoByte)
        var written: [String] = []
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let id = UInt8.random(in: 1...(isTwoByte ? 255 : 14), using: &random)
            let value = noise(.random(in: isTwoByte ? 0...40 : 1...16, using: &random), using: &random)
            block.append(id, value[...], to: &bytes)
            written.append("\(id) \(value.hex)")
        }
        block.finish(in: &bytes)
        bytes.append(7)
        let packet = try RTPPacket(parsing: bytes[...])
        #expect(packet.extensions.map { "\($0.id) \($0.value.hex)" } == written, "seed \(seed)")
        #expect(packet.payload == [7])
    }

    @Test("mean what was negotiated")
    func values() {
        var map = ExtensionMap()
        map.set(uri: "urn:ietf:params:rtp-hdrext:sdes:mid", id: 4)
        map.set(uri: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01", id: 3)
        map.set(uri: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", id: 10)
        map.set(uri: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", id: 11)
        map.set(uri: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", id: 2)
        map.set(uri: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay", id: 5)
        map.set(uri: "urn:3gpp:video-orientation", id: 13)
        map.set(uri: "urn:ietf:params:rtp-hdrext:sdes:mid", id: 0)
        #expect(map.mid == 4)
        let bytes = hex("40 30  31 beef  a0 68  b1 6c6f  22 9b1234  52 00a014  d0 01")
        let values = ExtensionValues(HeaderExtensions(profile: 0xBEDE, bytes: bytes[...]), map)
        #expect(values.mid?.elementsEqual("0".utf8) == true)
        #expect(values.rid?.elementsEqual("h".utf8) == true)
        #expect(values.repairedRID?.elementsEqual("lo".utf8) == true)
        #expect(values.transportSequence == 0xBEEF)
        #expect(values.absoluteSendTime == AbsoluteSendTime(ticks: 0x9B1234))
        #expect(values.playoutDelay == PlayoutDelay(minimum: .milliseconds(100), maximum: .milliseconds(200)))
        let wrong = ExtensionValues(HeaderExtensions(profile: 0xBEDE, bytes: hex("30ff 21ffff 50ff")[...]), map)
        #expect(wrong == ExtensionValues(.none, map))
    }

    @Test("tell the time of sending modulo 64 s")
    func sendTime() {
        #expect(AbsoluteSendTime(.seconds(1)).ticks == 1 << 18)
        #expect(AbsoluteSendTime(.seconds(64) + .milliseconds(500)).ticks == 1 << 17)
        #expect(AbsoluteSendTime(.seconds(63) + .microseconds(999_999)).ticks == 0xFF_FFFF)
    }

    @Test("cut delays to what fits")
    func playoutDelay() {
        var bytes: [UInt8] = []
        PlayoutDelay(minimum: .milliseconds(-5), maximum: .seconds(99)).append(to: &bytes)
        PlayoutDelay(minimum: .milliseconds(19), maximum: .milliseconds(400)).append(to: &bytes)
        #expect(bytes.hex == "000fff" + "001028")
    }
}
