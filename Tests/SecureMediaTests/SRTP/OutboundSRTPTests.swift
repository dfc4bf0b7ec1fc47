// SPDX-License-Identifier: Apache-2.0

import Bytes
import SecureMedia
import TestKit
import Testing

@Suite("What goes out under SRTP")
struct OutboundSRTPTests {
    @Test("is never sent twice under one index", arguments: SRTPProfile.allCases)
    func reuse(profile: SRTPProfile) throws {
        var (sender, random) = Self.sender(profile)
        for sequence in [100, 101, 105] as [UInt16] {
            _ = try sender.protect(rtpPacket(ssrc: 1, sequence: sequence, using: &random))
        }
        for sequence in [100, 101, 105] as [UInt16] {
            let packet = rtpPacket(ssrc: 1, sequence: sequence, using: &random)
            #expect(throws: SRTPFailure.indexUnusable) { try sender.protect(packet) }
        }
        _ = try sender.protect(rtpPacket(ssrc: 2, sequence: 100, using: &random))
    }

    @Test("may come late, behind up to 64 others, once")
    func late() throws {
        var (sender, random) = Self.sender()
        for sequence in [1000, 1064] as [UInt16] {
            _ = try sender.protect(rtpPacket(ssrc: 1, sequence: sequence, using: &random))
        }
        for sequence in [1001, 1063, 1030] as [UInt16] {
            let packet = rtpPacket(ssrc: 1, sequence: sequence, using: &random)
            _ = try sender.protect(packet)
            #expect(throws: SRTPFailure.indexUnusable) { try sender.protect(packet) }
        }
        let tooLate = rtpPacket(ssrc: 1, sequence: 1000, using: &random)
        #expect(throws: SRTPFailure.indexUnusable) { try sender.protect(tooLate) }
    }

    @Test("jumps as far as a receiver can follow, and no farther", arguments: [5, 40_000, 65_535] as [UInt16])
    func jumps(first: UInt16) throws {
        var (sender, random) = Self.sender()
        _ = try sender.protect(rtpPacket(ssrc: 1, sequence: first, using: &random))
        for jump in [0x8000, 0x8001, 0xFF00] as [UInt16] {
            let packet = rtpPacket(ssrc: 1, sequence: first &+ jump, using: &random)
            #expect(throws: SRTPFailure.indexUnusable) { try sender.protect(packet) }
        }
        _ = try sender.protect(rtpPacket(ssrc: 1, sequence: first &+ 0x7FFF, using: &random))
    }

    @Test("counts rounds of the sequence number as the receiver does", arguments: SRTPProfile.allCases)
    func rounds(profile: SRTPProfile) throws {
        var random = SeededRandom(seed: 7)
        let keys = SRTPKeys.random(profile, using: &random)
        let (sender, receiver, oracle) = (Sender(keys), Receiver(keys.reversed), OracleReceiver(keys.reversed))
        var index: UInt64 = 65_530
        while index < 4 << 16 {
            let packet = rtpPacket(
                ssrc: 1, sequence: UInt16(truncatingIfNeeded: index), payload: 0...9, using: &random)
            let sealed = try sender.protect(packet)
            #expect(try receiver.unprotect(sealed) == packet)
            #expect(try oracle.unprotect(sealed) == packet)
            index += (index & 0xFFFF) > 65_500 || (index & 0xFFFF) < 30 ? 1 : .random(in: 1...900, using: &random)
        }
    }

    @Test("is of a bounded number of streams")
    func streams() throws {
        var (sender, random) = Self.sender()
        for ssrc in 0..<UInt32(OutboundSRTP.maximumStreams) {
            _ = try sender.protect(rtpPacket(ssrc: ssrc, sequence: 1, using: &random))
            _ = try sender.protect(rtcpPacket(ssrc: ssrc, using: &random), isControl: true)
        }
        let packet = rtpPacket(ssrc: 999, sequence: 1, using: &random)
        #expect(throws: SRTPFailure.tooManyStreams) { try sender.protect(packet) }
    }

    @Test("ends when all indices of control packets are used")
    func exhausted() throws {
        var random = SeededRandom(seed: 1)
        let key = SRTPSessionKey(SRTPKeys.random(.aeadAES128GCM, using: &random).local, .rtcp)
        let sender = Sender(.aeadAES128GCM, key, firstRTCPIndex: 0x7FFF_FFFF)
        _ = try sender.protect(rtcpPacket(ssrc: 1, using: &random), isControl: true)
        let packet = rtcpPacket(ssrc: 1, using: &random)
        #expect(throws: SRTPFailure.keyExhausted) { try sender.protect(packet, isControl: true) }
    }

    @Test("is refused where its header goes beyond its end")
    func truncated() throws {
        var (sender, random) = Self.sender()
        var packet: [UInt8] = [0x93, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1] + bytes(12, using: &random)
        packet += [0xBE, 0xDE, 0, 2] + bytes(8, using: &random)
        for count in 0..<packet.count {
            #expect(throws: SRTPFailure.malformed) { try sender.protect(Array(packet[..<count])) }
        }
        for count in 0..<8 {
            #expect(throws: SRTPFailure.malformed) { try sender.protect(Array(packet[..<count]), isControl: true) }
        }
        #expect(try sender.protect(packet).count == packet.count + 16)
    }

    private static func sender(_ profile: SRTPProfile = .aeadAES128GCM) -> (Sender, SeededRandom) {
        var random = SeededRandom(seed: 3)
        return (Sender(SRTPKeys.random(profile, using: &random)), random)
    }
}
