// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Datagrams
import Fanout
public import Relay
public import Replica
import Synchronization
public import Transport

/// What this node sends for others: the branches of their sessions.
extension FanoutDesk: BranchCarrier {
    /// Whether other nodes are to carry their branches elsewhere.
    public var isLeaving: Bool { state.withLock { $0.branching?.peers.isLeaving ?? true } }

    /// Begins a branch of another node's session. One that can send to this machine alone does so for this machine alone.
    public func begin(
        _ branch: RelayBranch, from peer: PeerAddress, onUnwilling: @escaping @Sendable (Endpoint) -> Void
    ) throws(RelayRefusal) -> any CarriedBranch {
        guard let id = SessionID(parsing: branch.session), peer.isLoopback || !settings.local.isLoopback else {
            throw .notHere
        }
        let carried = state.withLock { state -> CarriedSession? in
            var directives: [SessionTable.Directive] = []
            let number = try? state.table.beginBranch(of: id, now: SystemClock.now(), into: &directives)
            obey(directives, &state)
            guard let number, let lane = state.lanes[number], let thread = lane.thread else { return nil }
            state.unwilling[number] = onUnwilling
            return CarriedSession(
                number, self, isLocal: peer.isLoopback, share: lane.share, thread: thread)
        }
        guard let carried else { throw .overloaded }
        return carried
    }

    /// A branch has a place on one thread, each in turn: the lock is held.
    func beginBranch(_ number: SessionNumber, _ state: inout State) {
        guard !state.threads.isEmpty else { return }
        let thread = state.threads[Int(number % UInt64(state.threads.count))]
        let share = SessionShare(.first)
        state.lanes[number] = Lane(share: share, thread: thread)
        thread.submit { handler, _ in handler.begin(number, ssrc: nil, share: share, isHeld: false) }
    }

    /// Whether packets from the port get to an address.
    func reaches(_ endpoint: Endpoint) -> Bool { endpoint.isLoopback || !settings.local.isLoopback }

    func attach(_ endpoint: Endpoint, toBranch number: SessionNumber) -> RelayDetachment? {
        state.withLock { state in
            var directives: [SessionTable.Directive] = []
            do throws(SessionFailure) {
                try state.table.subscribe(
                    endpoint, to: number, isAllowed: isAllowed(endpoint), now: SystemClock.now(),
                    using: &state.random, into: &directives)
            } catch { return .full }
            obey(directives, &state)
            return nil
        }
    }

    func detach(_ endpoint: Endpoint, fromBranch number: SessionNumber) {
        state.withLock { state in
            var directives: [SessionTable.Directive] = []
            state.table.unsubscribe(endpoint, fromBranch: number, into: &directives)
            obey(directives, &state)
        }
    }

    func endBranch(_ number: SessionNumber) {
        state.withLock { state in
            var directives: [SessionTable.Directive] = []
            state.table.endBranch(number, into: &directives)
            obey(directives, &state)
        }
    }
}
