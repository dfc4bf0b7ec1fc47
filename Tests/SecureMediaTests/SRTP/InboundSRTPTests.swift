// SPDX-License-Identifier: Apache-2.0

import Bytes
import SecureMedia
import TestKit
import Testing

@Suite("What comes in under SRTP")
struct InboundSRTPTests {
    @Test("is opened once", arguments: SRTPProfile.allCases)
    func replays(profile: SRTPProfile) throws {
        var random = SeededRandom(seed: 5)
        let keys = SRTPKeys.random(profile, using: &random)
        let (sender, receiver) = (Sender(keys), Receiver(keys.reversed))
        var sealed: [[UInt8]] = []
        for sequence in 0..<2000 as Range<UInt16> {
            sealed.append(try sender.protect(rtpPacket(ssrc: 1, sequence: sequence, payload: 0...50, using: &random)))
        }
        // All but one of each hundred come, in order; then the last 1024 of those that did not.
        for (number, packet) in sealed.enumerated() where number % 100 != 0 { _ = try receiver.unprotect(packet) }
        for (number, packet) in sealed.enumerated() {
            if number % 100 == 0, number >= 2000 - 1024 {
                _ = try receiver.unprotect(packet)
            }
            #expect(throws: SRTPFailure.replayed) { try receiver.unprotect(packet) }
        }
        let control = try sender.protect(rtcpPacket(ssrc: 1, using: &random), isControl: true)
        _ = try receiver.unprotect(control, isControl: true)
        #expect(throws: SRTPFailure.replayed) { try receiver.unprotect(control, isControl: true) }
    }

    @Test("is refused when cut at any byte", arguments: SRTPProfile.allCases)
    func truncated(profile: SRTPProfile) throws {
        var (packet, control, receiver) = try Self.sealed(profile)
        for count in 0..<packet.count {
            #expect(throws: SRTPFailure.self) { try receiver.unprotect(Array(packet[..<count])) }
        }
        for count in 0..<control.count {
            #expect(throws: SRTPFailure.self) { try receiver.unprotect(Array(control[..<count]), isControl: true) }
        }
        packet = try receiver.unprotect(packet)
        control = try receiver.unprotect(control, isControl: true)
        #expect(packet.count == 144 && control.count == 8 + 20)
    }

    @Test("is refused when any bit is changed", arguments: SRTPProfile.allCases)
    func flipped(profile: SRTPProfile) throws {
        let (packet, control, receiver) = try Self.sealed(profile)
        for bit in 0..<packet.count * 8 {
            #expect(throws: SRTPFailure.self) { try receiver.unprotect(packet.flipping(bit)) }
        }
        for bit in 0..<control.count * 8 {
            #expect(throws: SRTPFailure.self) { try receiver.unprotect(control.flipping(bit), isControl: true) }
        }
        _ = try receiver.unprotect(packet)
        _ = try receiver.unprotect(control, isControl: true)
    }

    @Test("is remembered of 32 streams, and of none that is forged", arguments: SRTPProfile.allCases)
    func streams(profile: SRTPProfile) throws {
        var random = SeededRandom(seed: 9)
        let keys = SRTPKeys.random(profile, using: &random)
        let receiver = Receiver(keys.reversed)
        for ssrc in 0..<1000 as Range<UInt32> {
            let forged = rtpPacket(ssrc: ssrc, sequence: 1, payload: 100...200, using: &random)
            #expect(throws: SRTPFailure.forged) { try receiver.unprotect(forged) }
        }
        for ssrc in 0..<33 as Range<UInt32> {
            // A sender of so many streams needs so many contexts here.
            let sender = Sender(keys)
            let sealed = try sender.protect(rtpPacket(ssrc: ssrc, sequence: 1, using: &random))
            if ssrc < 32 {
                _ = try receiver.unprotect(sealed)
            } else {
                #expect(throws: SRTPFailure.tooManyStreams) { try receiver.unprotect(sealed) }
            }
        }
    }

    @Test("has keys taken from the exporter by who was the DTLS client", arguments: SRTPProfile.allCases)
    func exporter(profile: SRTPProfile) {
        let size = profile == .aeadAES128GCM ? 12 : 14
        let parts = [(1, 16), (2, 16), (3, size), (4, size)].map { [UInt8](repeating: UInt8($0), count: $1) }
        let client = SRTPMasterKey(key: parts[0], salt: parts[2])
        let server = SRTPMasterKey(key: parts[1], salt: parts[3])
        let keys = SRTPKeys(profile: profile, exported: Array(parts.joined()), isClient: true)
        #expect(keys == SRTPKeys(profile: profile, local: client, remote: server))
        #expect(keys.reversed == SRTPKeys(profile: profile, exported: Array(parts.joined()), isClient: false))
        #expect("\(keys)".contains("1") == "\(profile)".contains("1") && "\(client)" == "an SRTP master key")
    }

    /// An RTP packet of 144 bytes with two contributing sources and an extension, an RTCP packet, and who opens them.
    private static func sealed(_ profile: SRTPProfile) throws -> ([UInt8], [UInt8], Receiver) {
        var random = SeededRandom(seed: 11)
        let keys = SRTPKeys.random(profile, using: &random)
        let sender = Sender(keys)
        var packet: [UInt8] = [0x92, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1] + bytes(8, using: &random)
        packet += [0xBE, 0xDE, 0, 1] + bytes(4, using: &random) + bytes(116, using: &random)
        let control: [UInt8] = [0x80, 200, 0, 6, 0, 0, 0, 1] + bytes(20, using: &random)
        return (try sender.protect(packet), try sender.protect(control, isControl: true), Receiver(keys.reversed))
    }
}

extension [UInt8] {
    /// The same with one bit changed.
    func flipping(_ bit: Int) -> [UInt8] {
        var bytes = self
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return bytes
    }
}
