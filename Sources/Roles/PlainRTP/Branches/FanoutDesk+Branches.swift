// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Fanout
import Identity
import Relay
import Replica
import Synchronization
import Transport

/// The subscribers that other nodes send to for this one.
extension FanoutDesk {
    /// What is known of other nodes.
    struct Branching {
        var table: BranchTable
        let links: BranchLinks
        let peers: any FanoutPeers
        /// Where nodes that were chosen from are.
        var parents: [NodeID: RelayParent] = [:]
        var calls: [PlacementCall: CheckedContinuation<SessionFailure?, Never>] = [:]
        var lastCall: PlacementCall = 0
    }

    /// Sends a session's packets to one more address, once that wants them: from here while this node may have more, and
    /// else from another of the session's edge set.
    public func add(_ endpoint: Endpoint, to id: SessionID) async throws(SessionFailure) {
        let failure = await withCheckedContinuation { (call: CheckedContinuation<SessionFailure?, Never>) in
            state.withLock { add(endpoint, to: id, for: call, &$0) }
        }
        if let failure { throw failure }
    }

    /// Begins to take part in a cluster. Returns how packets are handed to branches.
    func join(_ cluster: FanoutCluster) -> FanoutHandler.Onward {
        let links = BranchLinks(
            identity: cluster.identity, on: cluster.eventLoop, metrics: cluster.metrics
        ) { [weak self] number, node, event in self?.heard(event, of: number, at: node) }
        state.withLock {
            $0.branching = Branching(table: BranchTable(settings.fanout), links: links, peers: cluster.peers)
        }
        return { [metrics] number, packets, segment in
            let count = (packets.count + segment - 1) / segment
            metrics.relayed(count)
            links.forward(packets, segment: segment, of: number) { metrics.dropped(count * $0) }
        }
    }

    /// Removes a subscriber that another node sends to. Returns whether it was one.
    func unsubscribeElsewhere(_ endpoint: Endpoint, from id: SessionID) -> Bool {
        state.withLock { state in
            guard let number = state.table.session(id)?.number else { return false }
            var directives: [BranchTable.Directive] = []
            let isRemoved = state.branching?.table.remove(endpoint, of: number, into: &directives) ?? false
            obey(directives, &state)
            return isRemoved
        }
    }

    /// A session is over: the lock is held.
    func endBranches(of number: SessionNumber, _ state: inout State) {
        var directives: [BranchTable.Directive] = []
        state.branching?.table.end(number, into: &directives)
        obey(directives, &state)
    }

    /// Nothing is sent from elsewhere any more.
    func stopBranching() {
        let branching = state.withLock { $0.branching.take() }
        branching?.links.stop()
        for call in (branching?.calls ?? [:]).values { call.resume(returning: .unknownSession) }
    }
}

extension FanoutDesk {
    private func add(
        _ endpoint: Endpoint, to id: SessionID, for call: CheckedContinuation<SessionFailure?, Never>,
        _ state: inout State
    ) {
        guard let session = state.table.session(id) else { return call.resume(returning: .unknownSession) }
        let isElsewhere = state.branching?.table.holds(endpoint, of: session.number) ?? false
        if !isElsewhere {
            let failure = addHere(endpoint, to: id, &state)
            guard failure == .tooManySubscribers, state.branching != nil else { return call.resume(returning: failure) }
        }
        let ranking = ranking(of: session.number, for: endpoint, &state)
        var directives: [BranchTable.Directive] = []
        state.branching?.lastCall += 1
        let number = state.branching?.lastCall ?? 0
        state.branching?.calls[number] = call
        state.branching?.table.place(
            endpoint, of: session.number, among: ranking, for: number, now: SystemClock.now(), into: &directives)
        obey(directives, &state)
    }

    private func addHere(_ endpoint: Endpoint, to id: SessionID, _ state: inout State) -> SessionFailure? {
        var directives: [SessionTable.Directive] = []
        do throws(SessionFailure) {
            try state.table.subscribe(
                endpoint, to: id, isAllowed: isAllowed(endpoint), now: SystemClock.now(), using: &state.random,
                into: &directives)
        } catch { return error }
        obey(directives, &state)
        return nil
    }

    private func heard(_ event: BranchEvent, of number: SessionNumber, at node: NodeID) {
        state.withLock { state in
            var directives: [BranchTable.Directive] = []
            let now = SystemClock.now()
            switch event {
            case .attached(let endpoint):
                let hasMoved = state.branching?.table.attached(endpoint, of: number, at: node, into: &directives)
                if hasMoved == true { metrics.movedSubscriber() }
            case .detached(let endpoint, let reason):
                let ranking = ranking(of: number, for: endpoint, &state)
                state.branching?.table.detached(
                    endpoint, of: number, at: node, as: BranchTable.Detachment(reason), among: ranking, now: now,
                    into: &directives)
            case .lost:
                let ranking = ranking(of: number, &state)
                state.branching?.table.lost(number, at: node, among: ranking, now: now, into: &directives)
            case .tally(let tally):
                state.branching?.table.hear(BranchTally(tally), of: number, at: node)
            }
            obey(directives, &state)
        }
    }

    /// The nodes to choose from, whose addresses are kept for when one is chosen. To a loopback address only those of this
    /// machine can send: at another it is somebody else's.
    private func ranking(
        of number: SessionNumber, for endpoint: Endpoint? = nil, _ state: inout State
    ) -> [NodeID] {
        guard let session = state.table.session(numbered: number), let peers = state.branching?.peers else { return [] }
        let isLocal = endpoint?.isLoopback ?? false
        let parents = peers.edges(of: session.id.rankingKey).filter { !isLocal || $0.endpoint.isLoopback }
        for parent in parents.prefix(settings.fanout.maximumBranches) { state.branching?.parents[parent.node] = parent }
        return parents.map(\.node)
    }

    private func obey(_ directives: [BranchTable.Directive], _ state: inout State) {
        guard !directives.isEmpty, let links = state.branching?.links else { return }
        for directive in directives {
            switch directive {
            case .answer(let call, let failure):
                state.branching?.calls.removeValue(forKey: call)?.resume(returning: failure)
            case .attach(let endpoint, let number, let node): links.attach(endpoint, number, at: node)
            case .begin(let number, let node):
                guard let session = state.table.session(numbered: number), let parent = state.branching?.parents[node]
                else { continue }
                state.lanes[number]?.share.branches(by: 1)
                links.begin(number, RelayBranch(session: session.id.description), at: parent)
            case .detach(let endpoint, let number, let node): links.detach(endpoint, number, at: node)
            case .end(let number, let node):
                state.lanes[number]?.share.branches(by: -1)
                links.end(number, at: node)
            case .homeless(let endpoint, let number):
                // Somebody may have left here meanwhile.
                guard let session = state.table.session(numbered: number) else { continue }
                if addHere(endpoint, to: session.id, &state) == nil {
                    metrics.movedSubscriber()
                } else {
                    metrics.droppedSubscriber()
                }
            }
        }
        metrics.holds(elsewhere: state.branching?.table.subscriberCount ?? 0)
    }
}

extension BranchTable.Detachment {
    fileprivate init(_ reason: RelayDetachment) {
        self =
            switch reason {
            case .full: .full
            case .unwilling: .unwilling
            }
    }
}

extension BranchTally {
    fileprivate init(_ tally: RelayTally) {
        self.init(packets: Int(clamping: tally.packets), bytes: Int(clamping: tally.bytes))
    }
}

extension RelayTally {
    init(_ counters: SessionCounters) {
        self.init(packets: UInt64(clamping: counters.packetsSent), bytes: UInt64(clamping: counters.bytesSent))
    }
}
