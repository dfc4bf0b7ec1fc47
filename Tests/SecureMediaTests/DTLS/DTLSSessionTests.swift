// SPDX-License-Identifier: Apache-2.0

import Media
import SecureMedia
import TestKit
import Testing

@Suite("A DTLS session")
struct DTLSSessionTests {
    @Test("connects, and both ends have the same keys")
    func connects() throws {
        let pair = DTLSPair()
        pair.begin()
        let keys = try #require(pair.active.keys)
        #expect(keys == pair.passive.keys?.reversed && keys.local != keys.remote)
        #expect(keys.profile == .aeadAES128GCM && pair.flights == 4)
        #expect(pair.largest <= DTLSSession.largestSent)
        #expect(pair.active.nextDeadline == nil && pair.passive.nextDeadline != nil)
    }

    @Test("takes AES-GCM where both know it, whatever the peer likes more, and else the other")
    func profiles() {
        let orders: [([SRTPProfile], SRTPProfile)] = [
            ([.aes128CM, .aeadAES128GCM], .aeadAES128GCM), ([.aes128CM], .aes128CM),
            ([.aeadAES128GCM], .aeadAES128GCM),
        ]
        for (offered, chosen) in orders {
            let pair = DTLSPair(active: DTLSContext(Sample.active, profiles: offered))
            pair.begin()
            #expect(pair.active.keys?.profile == chosen && pair.passive.keys == pair.active.keys?.reversed)
            let other = DTLSPair(passive: DTLSContext(Sample.passive, profiles: offered))
            other.begin()
            #expect(other.active.keys != nil && other.passive.keys == other.active.keys?.reversed)
        }
    }

    @Test("fails where the peer knows no profile")
    func noProfile() {
        let pair = DTLSPair(active: DTLSContext(Sample.active, profiles: []))
        pair.begin()
        #expect(pair.passive.failure == .noProfile && pair.active.keys == nil && pair.active.isSettled)
    }

    @Test("connects within a second though a flight is lost", arguments: 0..<6, [1, 2])
    func loss(flight: Int, times: Int) throws {
        let pair = DTLSPair()
        pair.link = { number, datagrams in (flight..<flight + times).contains(number) ? [] : datagrams }
        pair.run()
        let keys = try #require(pair.active.keys)
        #expect(keys == pair.passive.keys?.reversed)
        #expect(pair.waited < .seconds(1))
    }

    @Test("connects though every second flight is lost until it is the twelfth")
    func heavyLoss() {
        let pair = DTLSPair()
        pair.link = { number, datagrams in number < 12 && number.isMultiple(of: 2) ? [] : datagrams }
        pair.run()
        #expect(pair.active.keys != nil && pair.active.keys == pair.passive.keys?.reversed)
    }

    @Test("does not mind datagrams that come twice, or in the other order")
    func disorder() {
        let pair = DTLSPair()
        pair.link = { $1.reversed() + $1 }
        pair.run()
        #expect(pair.active.keys != nil && pair.active.keys == pair.passive.keys?.reversed)
        pair.act(0) { $0.close() }
        #expect(pair.passive.isClosed)
    }

    @Test("fails where the peer is not who its SDP says, in either role")
    func fingerprint() {
        var pair = DTLSPair(activeExpects: Sample.active.fingerprint)
        pair.begin()
        #expect(pair.active.failure == .fingerprint && pair.active.keys == nil)
        #expect(pair.passive.failure == .alert && pair.passive.keys == nil)
        pair = DTLSPair(passiveExpects: Sample.passive.fingerprint)
        pair.begin()
        #expect(pair.passive.failure == .fingerprint && pair.passive.keys == nil)
        #expect(pair.active.failure == .alert && pair.active.keys == nil)
    }

    @Test("ends at both sides when one closes it, soon or late", arguments: [0, 1], [false, true])
    func closes(side: Int, isLate: Bool) {
        let pair = DTLSPair()
        pair.begin()
        if isLate { pair.act(1) { $0.tick(now: .seconds(60)) } }
        pair.act(side) { $0.close() }
        #expect(pair.active.isClosed && pair.passive.isClosed)
        #expect(pair.active.failure == nil && pair.passive.failure == nil)
        #expect(pair.active.nextDeadline == nil && pair.passive.nextDeadline == nil)
        pair.act(side) { $0.close() }
        #expect(pair.flights == 6)
    }

    @Test("is not ended by what only looks like the peer's word", arguments: [0, 1])
    func forgedAlerts(side: Int) throws {
        let pair = DTLSPair()
        pair.begin()
        pair.act(1) { $0.tick(now: .seconds(60)) }
        var notice: [UInt8] = []
        pair.link = { _, datagrams in
            notice = datagrams[0]
            return []
        }
        pair.act(1 - side) { $0.close() }
        try #require(notice.count == 39)
        for bit in 0..<notice.count * 8 {
            pair.act(side) { session in notice.flipping(bit).withUnsafeBytes { session.receive($0, now: .zero) } }
        }
        for count in 0..<notice.count {
            pair.act(side) { session in notice[..<count].withUnsafeBytes { session.receive($0, now: .zero) } }
        }
        let end = side == 0 ? pair.active : pair.passive
        #expect(!end.isClosed && end.failure == nil)
        let other: [UInt8] = [23, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 7]
        pair.act(side) { session in (other + notice).withUnsafeBytes { session.receive($0, now: .zero) } }
        #expect(end.isClosed)
    }

    @Test("is silent and free until ICE has authenticated a path")
    func waits() {
        var session = DTLSSession(DTLSContext(Sample.passive), role: .passive, peer: Sample.active.fingerprint)
        let none = session.nextDeadline
        #expect(none == nil)
        var active = DTLSSession(DTLSContext(Sample.active), role: .active, peer: Sample.passive.fingerprint)
        let hello = active.begin(now: .zero)
        guard case .send(let datagram) = hello.first, hello.count == 1 else {
            Issue.record("no flight: \(hello)")
            return
        }
        let early = datagram.withUnsafeBytes { session.receive($0, now: .zero) }
        #expect(early.isEmpty)
        let begun = session.begin(now: .zero)
        #expect(begun.isEmpty)
        let answer = datagram.withUnsafeBytes { session.receive($0, now: .zero) }
        #expect(answer.count == 1)
        let closed = session.close()
        #expect(closed == [.closed])
        let late = datagram.withUnsafeBytes { session.receive($0, now: .zero) }
        #expect(late.isEmpty)
    }

    @Test("gives up a handshake that does not end", arguments: DTLSRole.allCases)
    func timesOut(role: DTLSRole) throws {
        var session = DTLSSession(
            DTLSContext(Sample.active), role: role, peer: Sample.passive.fingerprint, handshakeLimit: .milliseconds(40))
        _ = session.begin(now: .seconds(100))
        let due = session.nextDeadline
        #expect(due == .seconds(100) + .milliseconds(40))
        let early = session.tick(now: .seconds(100))
        #expect(early.isEmpty)
        let late = session.tick(now: .seconds(101))
        let never = session.nextDeadline
        #expect(late == [.failed(.timedOut)] && never == nil)
    }

    @Test("retransmits its flight when OpenSSL's timer says so, later each time")
    func retransmits() throws {
        let clock = ContinuousClock()
        let beginning = clock.now
        var session = DTLSSession(DTLSContext(Sample.active), role: .active, peer: Sample.passive.fingerprint)
        var sent = [Duration.zero]
        _ = session.begin(now: .zero)
        let first = session.nextDeadline
        while sent.count < 4 {
            let deadline = session.nextDeadline
            let due = try #require(deadline)
            waitUntil(beginning + due)
            let now = clock.now - beginning
            if !session.tick(now: now).isEmpty { sent.append(now) }
        }
        let waits = zip(sent, sent.dropFirst()).map { $1 - $0 }
        #expect(waits.count == 3)
        for (wait, least) in zip(waits, [30, 80, 180]) { #expect(wait >= .milliseconds(least), "\(waits)") }
        #expect(try #require(first) < .milliseconds(500))
    }
}
