// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Relay
import Transport

/// The branches that the sessions of one other node have here. Confined to its loop.
final class BranchHost {
    private unowned let connection: RelayConnection
    private let peer: PeerAddress
    private let metrics: RelayMetrics
    private var carrier: (any BranchCarrier)?
    private var branches: [UInt32: any CarriedBranch] = [:]
    /// When the home last said anything of a branch.
    private var heard = Duration.zero
    private var nextTally = Duration.zero

    init(_ connection: RelayConnection, from peer: PeerAddress, metrics: RelayMetrics) {
        self.connection = connection
        self.peer = peer
        self.metrics = metrics
    }

    /// Begins a branch.
    func begin(_ branch: RelayBranch, _ channel: UInt32, by carrier: (any BranchCarrier)?) {
        guard channel > 0, branches[channel] == nil else { return connection.fail(.unexpected) }
        do throws(RelayRefusal) {
            guard let carrier else { throw .notHere }
            guard !carrier.isLeaving else { throw .draining }
            self.carrier = carrier
            heard = SystemClock.now()
            let box = NIOLoopBoundBox(Weak(host: self), eventLoop: connection.eventLoop)
            branches[channel] = try carrier.begin(branch, from: peer) { [eventLoop = connection.eventLoop] endpoint in
                eventLoop.execute { box.value.host?.say(.detached(endpoint, .unwilling), channel) }
            }
        } catch { refuse(error, channel) }
    }

    /// Whether a channel is a branch's.
    func has(_ channel: UInt32) -> Bool { branches[channel] != nil }

    /// Takes what the home says of a branch. Returns whether the channel is one's.
    func take(_ frame: RelayFrame) -> Bool {
        guard let branch = branches[frame.channel] else { return false }
        heard = SystemClock.now()
        switch frame.message {
        case .attach(let endpoint):
            let reason = branch.attach(endpoint)
            say(reason.map { RelayMessage.detached(endpoint, $0) } ?? .attached(endpoint), frame.channel)
        case .datagram(let packet): branch.forward(packet)
        case .detach(let endpoint): branch.detach(endpoint)
        case .heartbeat: break
        case .unsubscribe: branches.removeValue(forKey: frame.channel)?.end()
        default: connection.fail(.unexpected)
        }
        return true
    }

    /// About ten times a second.
    func tick(now: Duration) {
        guard let carrier, !branches.isEmpty else { return }
        guard now - heard < Self.silenceLimit else { return connection.fail(.silence) }
        if carrier.isLeaving { return leave() }
        guard now >= nextTally else { return }
        nextTally = now + BranchLink.beat
        for (channel, branch) in branches { connection.send(.tally(branch.sent), channel: channel) }
    }

    /// The connection is gone, and with it all branches.
    func closed() {
        for branch in branches.values { branch.end() }
        branches = [:]
    }

    private func leave() {
        for channel in Array(branches.keys) {
            branches.removeValue(forKey: channel)?.end()
            refuse(.draining, channel)
        }
        connection.flush()
    }

    private func refuse(_ refusal: RelayRefusal, _ channel: UInt32) {
        metrics.refused(refusal)
        say(.refused(refusal), channel)
    }

    private func say(_ message: RelayMessage, _ channel: UInt32) {
        connection.send(message, channel: channel)
        connection.flush()
    }

    private struct Weak { weak var host: BranchHost? }

    /// How long the home of a branch may say nothing: ten times what it takes.
    private static let silenceLimit: Duration = BranchLink.beat * 10
}
