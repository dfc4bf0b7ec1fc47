// SPDX-License-Identifier: Apache-2.0

import Testing
import WebRTC

@Suite("A datagram on the shared port")
struct DatagramKindTests {
    @Test("is told by its first byte, as RFC 7983 §7 divides them", arguments: 0...255)
    func firstByte(byte: Int) {
        var bytes = [UInt8](repeating: 0, count: 40)
        bytes[0] = UInt8(byte)
        let expected: DatagramKind =
            switch byte {
            case 20...63: .dtls
            case 128...191: .rtp
            default: .unknown
            }
        #expect(DatagramKind(of: bytes) == expected)
    }

    @Test("is RTCP where a payload type would collide with its packet types", arguments: 0...255)
    func secondByte(byte: Int) {
        let bytes = [0x80, UInt8(byte)] + [UInt8](repeating: 0, count: 20)
        #expect(DatagramKind(of: bytes) == ((192...223).contains(byte) ? .rtcp : .rtp))
    }

    @Test("is STUN with cookie and length only")
    func stun() {
        var bytes = STUNVectors.request
        #expect(DatagramKind(of: bytes) == .stun)
        bytes.append(0)
        #expect(DatagramKind(of: bytes) == .unknown)
        bytes = STUNVectors.request
        bytes[4] ^= 1
        #expect(DatagramKind(of: bytes) == .unknown)
    }

    @Test("is nothing when it is too short", arguments: [(UInt8(0), 20), (22, 13), (0x80, 12), (0x81, 8)])
    func short(byte: UInt8, least: Int) {
        for count in 0..<least {
            var bytes = [UInt8](repeating: byte, count: count)
            if count > 1 { bytes[1] = byte == 0x81 ? 200 : 96 }
            #expect(DatagramKind(of: bytes) == .unknown, "\(count) bytes")
        }
    }
}
