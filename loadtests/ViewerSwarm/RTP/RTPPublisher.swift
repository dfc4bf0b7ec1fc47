// SPDX-License-Identifier: Apache-2.0

import Cluster
import Glibc
import Swarm

/// One stream of plain RTP: the shell around an `RTPPublisherSession`, with a socket of its own.
final class RTPPublisher: SwarmMember {
    private var session: RTPPublisherSession
    private let server: SocketName
    private let isStamped: Bool
    private let beginning: Duration
    private let tally: Shared<PublisherTally>
    private var socket: Int32?
    /// When its first packet was due.
    private var begun: Duration?
    private var packets: [[UInt8]] = []

    init(
        _ session: RTPPublisherSession, to server: Endpoint, isStamped: Bool, beginning: Duration,
        tally: Shared<PublisherTally>
    ) {
        self.session = session
        self.server = SocketName(server)
        self.isStamped = isStamped
        self.beginning = beginning
        self.tally = tally
        socket = DatagramReader.open(self.server.family)
        if socket == nil { tally.value.failures["no socket", default: 0] += 1 }
    }

    func tick(now: Duration) {
        guard let socket, beginning <= now else { return }
        if begun == nil { tally.value.published += 1 }
        let start = begun ?? now
        begun = start
        let elapsed = now - start
        while session.due <= elapsed { send(elapsed: elapsed, socket) }
    }

    func finish() {
        if let socket { close(socket) }
        socket = nil
    }

    private func send(elapsed: Duration, _ socket: Int32) {
        let (now, late) = (Duration.sinceBoot, elapsed - session.due)
        tally.value.lateness.add(late)
        let stamp = isStamped ? FrameStamp.time(now: now, late: late, step: Self.step) : nil
        session.next(elapsed: elapsed, stamp: stamp, now: now, into: &packets)
        for packet in packets {
            let sent = server.withAddress { sendto(socket, packet, packet.count, Int32(MSG_DONTWAIT), $0, $1) }
            tally.value.messages += sent < 0 ? 0 : 1
            tally.value.bytes += max(sent, 0)
            tally.value.blockedTicks += sent < 0 ? 1 : 0
        }
        packets.removeAll(keepingCapacity: true)
    }

    /// How often it is looked at what is due.
    static let step: Duration = .milliseconds(5)
}
