// SPDX-License-Identifier: Apache-2.0

import Bytes
import SecureMedia
import TestKit
import Testing

@Suite("Beside libsrtp")
struct DifferentialTests {
    @Test(
        "what is protected has the same bytes, over many rounds of the sequence number",
        arguments: SRTPProfile.allCases, 0..<4 as Range<UInt64>)
    func protects(profile: SRTPProfile, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let keys = SRTPKeys.random(profile, using: &random)
        let (ours, theirs) = (Sender(keys), OracleSender(keys))
        var streams = (0..<5).map { _ in NumberedStream(using: &random) }
        for _ in 0..<12_500 {
            let at = Int.random(in: 0..<streams.count, using: &random)
            let packet = streams[at].next(using: &random)
            let sealed = try ours.protect(packet)
            #expect(sealed.hex == theirs.protect(packet)?.hex, "seed \(seed)")
        }
        #expect(streams.contains { $0.rounds > 2 }, "seed \(seed)")
    }

    @Test("control packets are opened, each by the other", arguments: SRTPProfile.allCases, 0..<4 as Range<UInt64>)
    func control(profile: SRTPProfile, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let keys = SRTPKeys.random(profile, using: &random)
        let (ourSender, ourReceiver) = (Sender(keys), Receiver(keys.reversed))
        let (theirSender, theirReceiver) = (OracleSender(keys), OracleReceiver(keys.reversed))
        for number in 0..<500 {
            let packet = rtcpPacket(ssrc: UInt32(number % 3), using: &random)
            #expect(try theirReceiver.unprotect(ourSender.protect(packet, isControl: true), isControl: true) == packet)
            let theirs = try #require(theirSender.protect(packet, isControl: true))
            #expect(try ourReceiver.unprotect(theirs, isControl: true) == packet, "seed \(seed)")
        }
    }

    @Test(
        "the same packets are opened and refused, whatever the network and a forger do to them",
        arguments: SRTPProfile.allCases, 0..<8 as Range<UInt64>)
    func decides(profile: SRTPProfile, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let keys = SRTPKeys.random(profile, using: &random)
        let sender = OracleSender(keys)
        let (ours, theirs) = (Receiver(keys.reversed), OracleReceiver(keys.reversed))
        var streams = (0..<3).map { _ in NumberedStream(using: &random) }
        var underway: [(packet: [UInt8], isControl: Bool)] = []
        var opened = 0
        for _ in 0..<8000 {
            let at = Int.random(in: 0..<streams.count, using: &random)
            let isControl = Int.random(in: 0..<6, using: &random) == 0
            let packet =
                isControl ? rtcpPacket(ssrc: streams[at].ssrc, using: &random) : streams[at].next(using: &random)
            if let sealed = sender.protect(packet, isControl: isControl) {
                underway.append((sealed, isControl))
            }
            let taken = Self.take(&underway, using: &random)
            let our = Result { () throws(SRTPFailure) in
                try ours.unprotect(taken.packet, isControl: taken.isControl)
            }
            let their = Result { () throws(SRTPFailure) in
                try theirs.unprotect(taken.packet, isControl: taken.isControl)
            }
            #expect(Self.isSame(our, their), "seed \(seed): \(our) \(their) of \(taken.packet.hex)")
            if case .success = our { opened += 1 }
        }
        #expect(opened > 3000, "seed \(seed): \(opened)")
    }

    /// One of those that are under way: mostly the first, at times a late one, one that stays to come again, one cut short
    /// or with a bit changed.
    private static func take(
        _ underway: inout [(packet: [UInt8], isControl: Bool)], using random: inout SeededRandom
    ) -> (packet: [UInt8], isControl: Bool) {
        let late = min(underway.count - 1, Int.random(in: 0...9, using: &random) == 0 ? 40 : 0)
        let index = late == 0 ? 0 : Int.random(in: 0...late, using: &random)
        var taken = underway[index]
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return taken
        case 1:
            taken.packet.removeLast(.random(in: 0...taken.packet.count, using: &random))
            return taken
        case 2:
            let bit = Int.random(in: 0..<taken.packet.count * 8, using: &random)
            // The version is looked at by us alone, and the bits of sizes may lead beyond a packet's end.
            if bit >= 8 { taken.packet[bit / 8] ^= 1 << UInt8(bit % 8) }
            return taken
        default:
            underway.remove(at: index)
            return taken
        }
    }

    /// Whether both opened the same, or neither opened anything. A packet that is refused for two reasons may be refused
    /// for either, but never is a replay forged.
    private static func isSame(
        _ our: Result<[UInt8], SRTPFailure>, _ their: Result<[UInt8], SRTPFailure>
    ) -> Bool {
        switch (our, their) {
        case (.success(let our), .success(let their)): our == their
        case (.failure(let our), .failure(let their)): our == their || our == .malformed || their == .malformed
        default: false
        }
    }
}

/// A stream whose sequence number begins anywhere in the first half and goes on with gaps, at times with a wide one.
private struct NumberedStream {
    let ssrc: UInt32
    private var index: UInt64

    init(using random: inout SeededRandom) {
        ssrc = .random(in: 0...UInt32.max, using: &random)
        index = .random(in: 0..<0x8000, using: &random)
    }

    var rounds: UInt64 { index >> 16 }

    mutating func next(using random: inout SeededRandom) -> [UInt8] {
        switch Int.random(in: 0..<100, using: &random) {
        case 0: index += .random(in: 1...0x7FFF, using: &random)
        case 1...5: index += .random(in: 1...500, using: &random)
        default: index += 1
        }
        return rtpPacket(
            ssrc: ssrc, sequence: UInt16(truncatingIfNeeded: index), payload: 0...300, using: &random)
    }
}
