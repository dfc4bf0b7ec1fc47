// SPDX-License-Identifier: Apache-2.0

import Bytes
import SecureMedia
import TestKit

/// Protects copies, as what can not be copied itself is not liked by #expect.
final class Sender {
    private var srtp: OutboundSRTP

    init(_ keys: SRTPKeys) { srtp = OutboundSRTP(keys) }

    init(_ profile: SRTPProfile, _ key: SRTPSessionKey, firstRTCPIndex: UInt32 = 0) {
        srtp = OutboundSRTP(profile, rtp: key, rtcp: key, firstRTCPIndex: firstRTCPIndex)
    }

    /// Protects an RTP or an RTCP packet.
    func protect(_ plain: [UInt8], isControl: Bool = false) throws(SRTPFailure) -> [UInt8] {
        let room = [UInt8](repeating: 0, count: SRTPProfile.largestOverhead)
        let buffer = UnsafeMutableRawBufferPointer.copied(plain + room)
        defer { buffer.deallocate() }
        let count =
            try isControl
            ? srtp.protectControl(buffer, count: plain.count) : srtp.protect(buffer, count: plain.count)
        return Array(buffer[..<count])
    }
}

/// Opens copies.
final class Receiver {
    private var srtp: InboundSRTP

    init(_ keys: SRTPKeys) { srtp = InboundSRTP(keys) }

    init(_ profile: SRTPProfile, _ key: SRTPSessionKey) { srtp = InboundSRTP(profile, rtp: key, rtcp: key) }

    /// Opens an RTP or an RTCP packet.
    func unprotect(_ sealed: [UInt8], isControl: Bool = false) throws(SRTPFailure) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.copied(sealed)
        defer { buffer.deallocate() }
        return Array(buffer[..<(try isControl ? srtp.unprotectControl(buffer) : srtp.unprotect(buffer))])
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Memory of exactly these bytes, so that whoever reads beyond them is found out by a sanitizer.
    static func copied(_ bytes: [UInt8]) -> UnsafeMutableRawBufferPointer {
        let buffer = allocate(byteCount: bytes.count, alignment: 16)
        buffer.copyBytes(from: bytes)
        return buffer
    }
}

extension SRTPKeys {
    /// Keys of a seed.
    static func random(_ profile: SRTPProfile, using random: inout SeededRandom) -> SRTPKeys {
        let size = profile == .aeadAES128GCM ? 12 : 14
        let masters = (0...1).map { _ in
            SRTPMasterKey(key: bytes(16, using: &random), salt: bytes(size, using: &random))
        }
        return SRTPKeys(profile: profile, local: masters[0], remote: masters[1])
    }
}

/// Random bytes.
func bytes(_ count: Int, using random: inout SeededRandom) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

/// An RTP packet with random contributing sources, header extension and payload.
func rtpPacket(
    ssrc: UInt32, sequence: UInt16, payload: ClosedRange<Int> = 0...1200, using random: inout SeededRandom
) -> [UInt8] {
    let sources = Int.random(in: 0...3, using: &random) == 0 ? Int.random(in: 1...15, using: &random) : 0
    let isExtended = Bool.random(using: &random)
    var packet: [UInt8] = [0x80 | (isExtended ? 0x10 : 0) | UInt8(sources), UInt8.random(in: 0...255, using: &random)]
    packet.append(bigEndian: sequence)
    packet += bytes(4, using: &random)
    packet.append(bigEndian: ssrc)
    packet += bytes(4 * sources, using: &random)
    if isExtended {
        let words = Int.random(in: 0...8, using: &random)
        packet.append(bigEndian: UInt16(0xBEDE))
        packet.append(bigEndian: UInt16(words))
        packet += bytes(4 * words, using: &random)
    }
    return packet + bytes(.random(in: payload, using: &random), using: &random)
}

/// An RTCP packet of random content.
func rtcpPacket(ssrc: UInt32, using random: inout SeededRandom) -> [UInt8] {
    let words = Int.random(in: 0...60, using: &random)
    var packet: [UInt8] = [0x81, .random(in: 200...207, using: &random)]
    packet.append(bigEndian: UInt16(words + 1))
    packet.append(bigEndian: ssrc)
    return packet + bytes(4 * words, using: &random)
}
