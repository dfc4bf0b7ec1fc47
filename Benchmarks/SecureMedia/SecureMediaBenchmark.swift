// SPDX-License-Identifier: Apache-2.0

import CSRTP
import Media
import SecureMedia

/// What protecting media costs, ours beside libsrtp in one run: packets of 1200 bytes over 1, 200 and 2000 viewers' keys,
/// one packet of each in turn, which is the worst order, and eight of each in turn, as a frame goes out. And what the
/// state of a viewer takes. Time is this thread's on the processor, so that others on the machine disturb less.
@main
enum SecureMediaBenchmark {
    static func main() {
        compareMemory()
        print("protect, 1200 bytes: ns a packet, medians of \(rounds) rounds (least, most)")
        for profile in SRTPProfile.allCases {
            for viewers in [1, 200, 2000] {
                for burst in [1, 8] { compareSenders(profile, viewers: viewers, burst: burst) }
            }
        }
        print("unprotect, 1200 bytes, one publisher: ns a packet")
        for profile in SRTPProfile.allCases { compareReceivers(profile) }
        handshakes()
    }

    private static let rounds = 7
    private static let packetsOfRound = 40_000
}

extension SecureMediaBenchmark {
    private static func compareSenders(_ profile: SRTPProfile, viewers: Int, burst: Int) {
        let keys = (0..<viewers).map { Self.keys(profile, $0) }
        let ours = UnsafeMutableBufferPointer<OutboundSRTP>.allocate(capacity: viewers)
        for viewer in 0..<viewers { ours.initializeElement(at: viewer, to: OutboundSRTP(keys[viewer])) }
        let theirs = keys.map(LibrarySender.init)
        let packet = UnsafeMutableRawBufferPointer.allocate(byteCount: 1280, alignment: 64)
        prepare(packet)
        var (our, their): ([Double], [Double]) = ([], [])
        var (ourNumber, theirNumber): (UInt16, UInt16) = (0, 0)
        for _ in 0..<rounds {
            our.append(
                timed(viewers: viewers, burst: burst, packet, &ourNumber) { viewer in
                    guard (try? ours[viewer].protect(packet, count: size)) != nil else { fatalError("refused") }
                })
            their.append(
                timed(viewers: viewers, burst: burst, packet, &theirNumber) { theirs[$0].protect(packet, count: size) })
        }
        line("\(profile), \(viewers) viewers, \(burst) in turn", our, their)
        ours.deinitialize().deallocate()
        packet.deallocate()
    }

    private static func compareReceivers(_ profile: SRTPProfile) {
        let keys = Self.keys(profile, 0)
        var sender = OutboundSRTP(keys)
        var ours = InboundSRTP(keys.reversed)
        var theirs = LibSRTP(keys.reversed)
        var (our, their): ([Double], [Double]) = ([], [])
        var number: UInt16 = 0
        for _ in 0..<rounds {
            let packets = (0..<2000).map { _ in sealed(&sender, &number) }
            our.append(timed(packets) { (try? ours.unprotect($0)) != nil })
            let again = packets
            their.append(timed(again) { (try? theirs.unprotect($0)) != nil })
        }
        line("\(profile)", our, their)
    }

    /// Nothing is freed until all is measured, so that nothing is taken from what others left.
    private static func compareMemory() {
        print("memory, resident, each of 2000: KiB")
        let time = WallTime(milliseconds: 1_795_255_200_000)
        let contexts = [DTLSContext(.generate(now: time)), DTLSContext(.generate(now: time))]
        var kept: [AnyObject] = []
        for profile in SRTPProfile.allCases {
            let keys = (0..<2000).map { Self.keys(profile, $0) }
            let outbound = growth { kept += keys.map(Outbound.init) }
            let inbound = growth { kept += keys.map(Inbound.init) }
            let library = growth { kept += keys.map(LibrarySender.init) }
            print("  \(profile): out \(outbound), in \(inbound); libsrtp, one direction, \(library)")
        }
        var pairs: [Connected] = []
        let fresh = growth { for _ in 0..<2000 { pairs.append(Connected(contexts)) } }
        let old = growth { for _ in 0..<2000 { pairs.append(Connected(contexts, isSettled: true)) } }
        print("  both ends of a DTLS session: connected \(fresh), settled \(old)")
        withExtendedLifetime(pairs) {}
        withExtendedLifetime(kept) {}
    }

    /// Ends of sessions with each other: the time of both.
    private static func handshakes() {
        let time = WallTime(milliseconds: 1_795_255_200_000)
        let contexts = [DTLSContext(.generate(now: time)), DTLSContext(.generate(now: time))]
        var sessions: [Connected] = []
        let beginning = processorTime()
        for _ in 0..<1000 { sessions.append(Connected(contexts)) }
        let took = processorTime() - beginning
        print("handshake, both ends: \(took / .microseconds(1000)) us")
        withExtendedLifetime(sessions) {}
    }
}

extension SecureMediaBenchmark {
    private static func timed(
        viewers: Int, burst: Int, _ packet: UnsafeMutableRawBufferPointer, _ number: inout UInt16,
        _ protect: (Int) -> Void
    ) -> Double {
        let turns = max(1, packetsOfRound / viewers / burst)
        let beginning = processorTime()
        for _ in 0..<turns {
            for viewer in 0..<viewers {
                for packetOfBurst in 0..<burst {
                    let sequence = number &+ UInt16(truncatingIfNeeded: packetOfBurst)
                    packet.storeBytes(of: sequence.bigEndian, toByteOffset: 2, as: UInt16.self)
                    protect(viewer)
                }
            }
            number &+= UInt16(truncatingIfNeeded: burst)
        }
        return (processorTime() - beginning) / .nanoseconds(1) / Double(turns * viewers * burst)
    }

    private static func timed(_ packets: [[UInt8]], _ open: (UnsafeMutableRawBufferPointer) -> Bool) -> Double {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1280, alignment: 64)
        defer { buffer.deallocate() }
        let beginning = processorTime()
        for packet in packets {
            buffer.copyBytes(from: packet)
            guard open(UnsafeMutableRawBufferPointer(rebasing: buffer[..<packet.count])) else { fatalError("refused") }
        }
        return (processorTime() - beginning) / .nanoseconds(1) / Double(packets.count)
    }

    private static func sealed(_ sender: inout OutboundSRTP, _ number: inout UInt16) -> [UInt8] {
        let packet = UnsafeMutableRawBufferPointer.allocate(byteCount: 1280, alignment: 64)
        defer { packet.deallocate() }
        prepare(packet)
        packet.storeBytes(of: number.bigEndian, toByteOffset: 2, as: UInt16.self)
        number &+= 1
        guard let count = try? sender.protect(packet, count: size) else { fatalError("refused") }
        return Array(packet[..<count])
    }

    private static func prepare(_ packet: UnsafeMutableRawBufferPointer) {
        packet.initializeMemory(as: UInt8.self, repeating: 0)
        packet[0] = 0x80
        packet[1] = 96
    }

    private static func keys(_ profile: SRTPProfile, _ number: Int) -> SRTPKeys {
        let salt = profile == .aeadAES128GCM ? 12 : 14
        let masters = [0, 1].map { side in
            SRTPMasterKey(
                key: (0..<16).map { UInt8(truncatingIfNeeded: number >> ($0 & 7) &+ $0 &+ side) },
                salt: (0..<salt).map { UInt8(truncatingIfNeeded: number &* 7 &+ $0) })
        }
        return SRTPKeys(profile: profile, local: masters[0], remote: masters[1])
    }

    private static func line(_ what: String, _ our: [Double], _ their: [Double]) {
        let (mine, others) = (our.sorted(), their.sorted())
        let ratio = Int(others[rounds / 2] / mine[rounds / 2] * 10)
        print("  \(what): ours \(spread(mine)), libsrtp \(spread(others)), \(ratio / 10).\(ratio % 10) times")
    }

    private static func spread(_ sorted: [Double]) -> String {
        "\(Int(sorted[rounds / 2])) (\(Int(sorted[0])), \(Int(sorted[rounds - 1])))"
    }

    private static func growth(_ make: () -> Void) -> String {
        let before = residentBytes()
        make()
        let tenths = (residentBytes() - before) * 10 / 1024 / 2000
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static let size = 1200
}

private final class Outbound {
    private let srtp: OutboundSRTP

    init(_ keys: SRTPKeys) { srtp = OutboundSRTP(keys) }
}

private final class Inbound {
    private let srtp: InboundSRTP

    init(_ keys: SRTPKeys) { srtp = InboundSRTP(keys) }
}

/// libsrtp's sending half.
private final class LibrarySender {
    private var session: srtp_t?

    init(_ keys: SRTPKeys) {
        _ = LibSRTP(keys)
        var master = keys.local.key + keys.local.salt
        let result = master.withUnsafeMutableBufferPointer { master in
            var policy = srtp_policy_t()
            if keys.profile == .aeadAES128GCM {
                srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
                srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
            } else {
                srtp_crypto_policy_set_rtp_default(&policy.rtp)
                srtp_crypto_policy_set_rtp_default(&policy.rtcp)
            }
            policy.ssrc.type = ssrc_any_outbound
            policy.key = master.baseAddress
            policy.window_size = 1024
            return srtp_create(&session, &policy)
        }
        guard result == srtp_err_status_ok else { fatalError("libsrtp: \(result)") }
    }

    deinit { srtp_dealloc(session) }

    func protect(_ packet: UnsafeMutableRawBufferPointer, count: Int) {
        var length = Int32(count)
        guard srtp_protect(session, packet.baseAddress, &length) == srtp_err_status_ok else { fatalError("refused") }
    }
}

/// Two ends of one DTLS session.
private final class Connected {
    private var active: DTLSSession
    private var passive: DTLSSession

    init(_ contexts: [DTLSContext], isSettled: Bool = false) {
        active = DTLSSession(contexts[0], role: .active, peer: contexts[1].identity.fingerprint)
        passive = DTLSSession(contexts[1], role: .passive, peer: contexts[0].identity.fingerprint)
        _ = passive.begin(now: .zero)
        var toPassive = active.begin(now: .zero)
        var isConnected = false
        while !toPassive.isEmpty {
            var toActive: [DTLSSession.Directive] = []
            for case .send(let datagram) in toPassive {
                toActive += datagram.withUnsafeBytes { passive.receive($0, now: .zero) }
            }
            toPassive = []
            for case .send(let datagram) in toActive {
                toPassive += datagram.withUnsafeBytes { active.receive($0, now: .zero) }
            }
            for case .connected in toPassive { isConnected = true }
        }
        guard isConnected else { fatalError("no handshake") }
        if isSettled { _ = passive.tick(now: .seconds(60)) }
    }
}
