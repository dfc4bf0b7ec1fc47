// SPDX-License-Identifier: Apache-2.0

import Glibc
import Media
import SecureMedia

/// Two sessions and what is under way between them. Time is the machine's, as OpenSSL asks it.
final class DTLSPair {
    /// Who is of which role: the first is active.
    private var sessions: [DTLSEnd]
    private let beginning = ContinuousClock.now
    /// Called for each flight with its number, from 0: the datagrams that arrive.
    var link: (_ flight: Int, _ datagrams: [[UInt8]]) -> [[UInt8]] = { $1 }
    private(set) var flights = 0
    private(set) var largest = 0
    /// How long it was to wait for retransmissions in all; how long the machine took is longer.
    private(set) var waited: Duration = .zero
    private var underway: [(to: Int, datagrams: [[UInt8]])] = []

    init(
        active: DTLSContext = DTLSContext(Sample.active), passive: DTLSContext = DTLSContext(Sample.passive),
        activeExpects: CertificateFingerprint? = nil, passiveExpects: CertificateFingerprint? = nil
    ) {
        sessions = [
            DTLSEnd(active, .active, activeExpects ?? passive.identity.fingerprint),
            DTLSEnd(passive, .passive, passiveExpects ?? active.identity.fingerprint),
        ]
    }

    var active: DTLSEnd { sessions[0] }
    var passive: DTLSEnd { sessions[1] }
    private var now: Duration { ContinuousClock.now - beginning }

    /// Begins, and delivers until nothing is under way any more.
    func begin() {
        for side in [1, 0] { obey(sessions[side].session.begin(now: now), side) }
        deliver()
    }

    /// Delivers and waits for retransmissions until both are connected or over, or for `limit`.
    func run(limit: Duration = .seconds(60)) {
        begin()
        while now < limit, !sessions.allSatisfy(\.isSettled) {
            guard let due = sessions.compactMap(\.nextDeadline).min() else { return }
            waited += max(.zero, due - now)
            waitUntil(beginning + due)
            for side in 0...1 { obey(sessions[side].session.tick(now: now), side) }
            deliver()
        }
    }

    /// Lets one end do something, and delivers what comes of it.
    func act(_ side: Int, _ action: (inout DTLSSession) -> [DTLSSession.Directive]) {
        obey(action(&sessions[side].session), side)
        deliver()
    }

    private func deliver() {
        while !underway.isEmpty {
            let (side, datagrams) = underway.removeFirst()
            for datagram in datagrams {
                obey(datagram.withUnsafeBytes { sessions[side].session.receive($0, now: now) }, side)
            }
        }
    }

    private func obey(_ directives: [DTLSSession.Directive], _ side: Int) {
        var datagrams: [[UInt8]] = []
        for directive in directives {
            switch directive {
            case .send(let datagram): datagrams.append(datagram)
            case .connected(let keys): sessions[side].keys = keys
            case .closed: sessions[side].isClosed = true
            case .failed(let failure): sessions[side].failure = failure
            }
        }
        guard !datagrams.isEmpty else { return }
        largest = max(largest, datagrams.map(\.count).max() ?? 0)
        underway.append((1 - side, link(flights, datagrams)))
        flights += 1
    }
}

/// One end, and what became of it.
final class DTLSEnd {
    var session: DTLSSession
    var keys: SRTPKeys?
    var isClosed = false
    var failure: DTLSFailure?

    init(_ context: DTLSContext, _ role: DTLSRole, _ peer: CertificateFingerprint) {
        session = DTLSSession(context, role: role, peer: peer)
    }

    var nextDeadline: Duration? { session.nextDeadline }
    var isSettled: Bool { keys != nil || isClosed || failure != nil }
}

/// Two nodes.
enum Sample {
    static let active = DTLSIdentity.generate(now: WallTime(milliseconds: 1_795_255_200_000))
    static let passive = DTLSIdentity.generate(now: WallTime(milliseconds: 1_795_255_200_000))
}

/// Waits for a machine's deadline on this thread: among tests that keep all others busy, a task would wait for them too.
func waitUntil(_ time: ContinuousClock.Instant) {
    while ContinuousClock.now < time { usleep(1000) }
}
