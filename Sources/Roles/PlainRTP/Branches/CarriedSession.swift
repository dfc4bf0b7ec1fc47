// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Datagrams
import Fanout
import Relay
import Replica
import Synchronization

/// A branch that this node carries: its packets come on an event loop and go out on a UDP thread, as many by one hop as have
/// come meanwhile.
final class CarriedSession: CarriedBranch {
    private let number: SessionNumber
    private let desk: FanoutDesk
    /// Whether its home is on this machine, so that both mean the same by a loopback address.
    private let isLocal: Bool
    private let share: SessionShare
    private let thread: DatagramThread<FanoutHandler>
    private let waiting = Mutex(Packets())

    private struct Packets {
        var bytes: [UInt8] = []
        var lengths: [Int] = []
    }

    init(
        _ number: SessionNumber, _ desk: FanoutDesk, isLocal: Bool, share: SessionShare,
        thread: DatagramThread<FanoutHandler>
    ) {
        self.number = number
        self.desk = desk
        self.isLocal = isLocal
        self.share = share
        self.thread = thread
    }

    var sent: RelayTally { RelayTally(share.counters) }

    func attach(_ endpoint: Endpoint) -> RelayDetachment? {
        guard desk.reaches(endpoint), isLocal || !endpoint.isLoopback else { return .full }
        return desk.attach(endpoint, toBranch: number)
    }

    func detach(_ endpoint: Endpoint) { desk.detach(endpoint, fromBranch: number) }

    func forward(_ packet: ByteSlice) {
        guard !packet.isEmpty else { return desk.metrics.refused(.malformed) }
        guard packet.count <= FanoutLane.longest else { return desk.metrics.refused(.tooLong) }
        let isFirst = waiting.withLock { waiting -> Bool? in
            guard waiting.bytes.count + packet.count <= Self.mostWaiting else { return nil }
            waiting.bytes.append(contentsOf: packet)
            waiting.lengths.append(packet.count)
            return waiting.lengths.count == 1
        }
        guard let isFirst else { return desk.metrics.dropped(1) }
        if isFirst, !thread.submit({ [self] handler, now in send(on: handler, now: now) }) { drop() }
    }

    func end() { desk.endBranch(number) }

    private func send(on handler: FanoutHandler, now: Duration) {
        let packets = take()
        handler.receive(packets.bytes, lengths: packets.lengths, of: number, now: now)
    }

    private func drop() { desk.metrics.dropped(take().lengths.count) }

    private func take() -> Packets {
        waiting.withLock { waiting in
            defer { waiting = Packets() }
            return waiting
        }
    }

    /// What may wait for a thread that is busy: a quarter of a second of 32 Mbit/s.
    private static let mostWaiting = 1 << 20
}
