// SPDX-License-Identifier: Apache-2.0

import Datagrams
import Fanout
import Synchronization

/// What the UDP threads know together of one session: its one source, and what it counted.
final class SessionShare: Sendable {
    private let gate: SourceGate
    private let pinned: Mutex<DatagramAddress?>
    private let packetsReceived = Atomic(0)
    private let bytesReceived = Atomic(0)
    private let packetsSent = Atomic(0)
    private let bytesSent = Atomic(0)
    private let newest = Atomic(Int64.min)
    private let branches = Atomic(0)

    init(_ gate: SourceGate) {
        self.gate = gate
        pinned = Mutex(gate.pinned.map { DatagramAddress($0) })
    }

    /// The session's one source, which is `candidate` from now on where there was none and the gate admits it; nil where
    /// there is none yet.
    func source(offering candidate: DatagramAddress) -> DatagramAddress? {
        pinned.withLock { pinned in
            if pinned == nil, gate.admits(candidate.endpoint) { pinned = candidate }
            return pinned
        }
    }

    /// Whether other nodes are sent the packets, too.
    var hasBranches: Bool { branches.load(ordering: .relaxed) > 0 }

    /// A branch began or ended.
    func branches(by change: Int) { branches.wrappingAdd(change, ordering: .relaxed) }

    func received(packets: Int, bytes: Int, now: Duration) {
        packetsReceived.wrappingAdd(packets, ordering: .relaxed)
        bytesReceived.wrappingAdd(bytes, ordering: .relaxed)
        let (seconds, attoseconds) = now.components
        newest.store(seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000, ordering: .relaxed)
    }

    func sent(packets: Int, bytes: Int) {
        packetsSent.wrappingAdd(packets, ordering: .relaxed)
        bytesSent.wrappingAdd(bytes, ordering: .relaxed)
    }

    /// When the newest packet came; nil where none did.
    var lastPacket: Duration? {
        let time = newest.load(ordering: .relaxed)
        return time == .min ? nil : .nanoseconds(time)
    }

    var counters: SessionCounters {
        SessionCounters(
            packetsReceived: packetsReceived.load(ordering: .relaxed),
            packetsSent: packetsSent.load(ordering: .relaxed),
            bytesReceived: bytesReceived.load(ordering: .relaxed),
            bytesSent: bytesSent.load(ordering: .relaxed))
    }
}

/// What a session has received and sent.
public struct SessionCounters: Hashable, Sendable {
    /// Packets that came from its source.
    public let packetsReceived: Int
    /// Packets that went to subscribers, all together.
    public let packetsSent: Int
    /// Bytes of RTP that came.
    public let bytesReceived: Int
    /// Bytes of RTP that went out.
    public let bytesSent: Int

    /// These, and what branches sent.
    func adding(_ branches: BranchTally) -> SessionCounters {
        SessionCounters(
            packetsReceived: packetsReceived, packetsSent: packetsSent &+ branches.packets,
            bytesReceived: bytesReceived, bytesSent: bytesSent &+ branches.bytes)
    }
}
