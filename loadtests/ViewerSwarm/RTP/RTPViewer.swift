// SPDX-License-Identifier: Apache-2.0

import Cluster
import Glibc
import Swarm

/// The shell around an `RTPViewerSession`: a socket at a port that is known before.
final class RTPViewer: SocketHandler {
    private unowned let swarm: RTPSwarm
    private var session: RTPViewerSession
    private let socket: Int32?
    private var dropped = 0

    init(_ swarm: RTPSwarm, at place: Endpoint, due: Duration) {
        self.swarm = swarm
        session = RTPViewerSession(due: due, tally: &swarm.tally)
        socket = Self.open(SocketName(place))
        guard let socket else {
            swarm.tally.faults[.machine, default: 0] += 1
            return
        }
        swarm.poll.watch(socket, self)
    }

    func ready(isWritable: Bool) {
        guard let socket else { return }
        let now = Duration.sinceBoot
        let count = swarm.reader.read(socket) { bytes, source in
            let datagram = UnsafeRawBufferPointer(bytes)
            if session.receive(datagram, now: now, tally: &swarm.tally) { answer(datagram, to: source, from: socket) }
        }
        guard let count else { return }
        swarm.tally.overrunPackets += count - dropped
        dropped = count
    }

    func leave(now: Duration) { session.leave(now: now, tally: &swarm.tally) }

    private func answer(_ datagram: UnsafeRawBufferPointer, to server: Endpoint, from socket: Int32) {
        _ = SocketName(server).withAddress { address, length in
            sendto(socket, datagram.baseAddress, datagram.count, Int32(MSG_DONTWAIT), address, length)
        }
    }

    /// Nil where this machine has none there.
    private static func open(_ name: SocketName) -> Int32? {
        guard let socket = DatagramReader.open(name.family) else { return nil }
        guard name.withAddress({ bind(socket, $0, $1) }) == 0 else {
            close(socket)
            return nil
        }
        return socket
    }
}
