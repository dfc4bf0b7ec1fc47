// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// A call that waits for a subscriber's place.
public typealias PlacementCall = UInt64

/// Which other nodes send to the subscribers that sessions have beyond what their own node may send to.
///
/// Each subscriber goes to the first node of its session's ranking that takes it, so that a session's branches are the
/// first of the ranking, as many as its subscribers ask for, and one more moves nobody. Whether a node has room is known by
/// asking it; one that had none is asked again when a subscriber there has gone, or after a second.
public struct BranchTable: Sendable {
    /// What is to be done, in order.
    public enum Directive: Hashable, Sendable {
        /// Tell who waits for a subscriber's place what became of it: nil where it has one.
        case answer(PlacementCall, SessionFailure?)
        /// Have a node send to a subscriber.
        case attach(Endpoint, SessionNumber, at: NodeID)
        /// Call for a branch.
        case begin(SessionNumber, at: NodeID)
        /// Have a node send to a subscriber no more.
        case detach(Endpoint, SessionNumber, at: NodeID)
        /// End a branch.
        case end(SessionNumber, at: NodeID)
        /// No other node has room for a subscriber whose node was lost.
        case homeless(Endpoint, SessionNumber)
    }

    /// Why a node does not send to a subscriber.
    public enum Detachment: Hashable, Sendable {
        /// It has as many as it may.
        case full
        /// The subscriber does not want packets.
        case unwilling
    }

    private let settings: FanoutSettings
    private var sessions: [SessionNumber: BranchedSession] = [:]

    /// A table without branches.
    public init(_ settings: FanoutSettings) { self.settings = settings }

    /// Subscribers that other nodes send to, or are asked to.
    public var subscriberCount: Int { sessions.values.reduce(0) { $0 + $1.subscribers.count } }

    /// Those of one session.
    public func subscriberCount(of session: SessionNumber) -> Int { sessions[session]?.subscribers.count ?? 0 }

    /// Whether other nodes send to a subscriber of a session, or one is asked to.
    public func holds(_ endpoint: Endpoint, of session: SessionNumber) -> Bool {
        sessions[session]?.subscribers[endpoint] != nil
    }

    /// What all branches of a session have sent, those that are gone among them.
    public func sent(of session: SessionNumber) -> BranchTally { sessions[session]?.sent ?? .zero }

    /// Finds a place for a subscriber; again is no failure.
    /// - Parameter ranking: the other nodes of the session's edge set, the first one first.
    public mutating func place(
        _ endpoint: Endpoint, of session: SessionNumber, among ranking: [NodeID], for call: PlacementCall,
        now: Duration,
        into directives: inout [Directive]
    ) {
        guard var known = sessions[session]?.subscribers[endpoint] else {
            return seek(endpoint, Seeker(calls: [call]), session, ranking, now: now, &directives)
        }
        guard !known.isAttached else { return directives.append(.answer(call, nil)) }
        known.calls.append(call)
        sessions[session]?.settle(known, at: endpoint)
    }

    /// A node sends to a subscriber.
    /// - Returns: whether another sent to it before.
    @discardableResult
    public mutating func attached(
        _ endpoint: Endpoint, of session: SessionNumber, at node: NodeID, into directives: inout [Directive]
    ) -> Bool {
        guard let subscriber = sessions[session]?.subscribers[endpoint], subscriber.node == node else { return false }
        sessions[session]?.settle(BranchedSubscriber(node: node, isAttached: true), at: endpoint)
        answer(subscriber.calls, nil, &directives)
        return subscriber.isMoving
    }

    /// A node does not send to a subscriber, or no longer.
    public mutating func detached(
        _ endpoint: Endpoint, of session: SessionNumber, at node: NodeID, as reason: Detachment,
        among ranking: [NodeID], now: Duration, into directives: inout [Directive]
    ) {
        guard let subscriber = sessions[session]?.subscribers[endpoint], subscriber.node == node else { return }
        sessions[session]?.remove(endpoint)
        // What is heard may be of an older branch at the same node.
        directives.append(.detach(endpoint, session, at: node))
        endIfEmpty(session, node, &directives)
        switch reason {
        case .full:
            sessions[session]?.resting[node] = now + Self.rest
            seek(endpoint, Seeker(subscriber), session, ranking, now: now, &directives)
        case .unwilling:
            sessions[session]?.resting[node] = nil
            answer(subscriber.calls, .unknownSubscriber, &directives)
        }
    }

    /// Removes a subscriber. Returns whether there was one.
    public mutating func remove(
        _ endpoint: Endpoint, of session: SessionNumber, into directives: inout [Directive]
    ) -> Bool {
        guard let subscriber = sessions[session]?.remove(endpoint) else { return false }
        sessions[session]?.resting[subscriber.node] = nil
        answer(subscriber.calls, .unknownSubscriber, &directives)
        directives.append(.detach(endpoint, session, at: subscriber.node))
        endIfEmpty(session, subscriber.node, &directives)
        return true
    }

    /// A branch is no more: its node is gone, or wants it no longer. Its subscribers are placed again.
    public mutating func lost(
        _ session: SessionNumber, at node: NodeID, among ranking: [NodeID], now: Duration,
        into directives: inout [Directive]
    ) {
        guard let orphans = sessions[session]?.lose(node) else { return }
        sessions[session]?.resting[node] = now + Self.rest
        directives.append(.end(session, at: node))
        for (endpoint, subscriber) in orphans {
            seek(endpoint, Seeker(subscriber), session, ranking, now: now, &directives)
        }
    }

    /// A session is over.
    public mutating func end(_ session: SessionNumber, into directives: inout [Directive]) {
        guard let ended = sessions.removeValue(forKey: session) else { return }
        for subscriber in ended.subscribers.values { answer(subscriber.calls, .unknownSession, &directives) }
        for node in ended.branches.keys.sorted() { directives.append(.end(session, at: node)) }
    }

    /// What a branch has sent since it began.
    public mutating func hear(_ tally: BranchTally, of session: SessionNumber, at node: NodeID) {
        sessions[session]?.branches[node]?.tally = tally
    }
}

extension BranchTable {
    /// A subscriber on its way through the ranking.
    private struct Seeker {
        let calls: [PlacementCall]
        var tried: Set<NodeID> = []
        /// Whether a node sent to it before.
        var isMoving = false

        init(calls: [PlacementCall]) { self.calls = calls }

        init(_ subscriber: BranchedSubscriber) {
            calls = subscriber.calls
            tried = subscriber.tried.union([subscriber.node])
            isMoving = subscriber.isMoving || subscriber.isAttached
        }
    }

    private mutating func seek(
        _ endpoint: Endpoint, _ seeker: Seeker, _ number: SessionNumber, _ ranking: [NodeID], now: Duration,
        _ directives: inout [Directive]
    ) {
        let resting = sessions[number]?.resting.filter { $0.value > now } ?? [:]
        // A ranking changes: a session that has all branches it may, at whichever nodes, gets no other.
        let begun = sessions[number]?.branches ?? [:]
        let hasAll = begun.count >= settings.maximumBranches
        let candidates = ranking.prefix(settings.maximumBranches).filter { !hasAll || begun[$0] != nil }
        guard let node = candidates.first(where: { !seeker.tried.contains($0) && resting[$0] == nil }) else {
            if seeker.isMoving { directives.append(.homeless(endpoint, number)) }
            return answer(seeker.calls, .tooManySubscribers, &directives)
        }
        if begun[node] == nil { directives.append(.begin(number, at: node)) }
        let subscriber = BranchedSubscriber(
            node: node, isMoving: seeker.isMoving, calls: seeker.calls, tried: seeker.tried)
        sessions[number, default: BranchedSession()].insert(subscriber, at: endpoint)
        directives.append(.attach(endpoint, number, at: node))
    }

    private mutating func endIfEmpty(_ session: SessionNumber, _ node: NodeID, _ directives: inout [Directive]) {
        if sessions[session]?.endIfEmpty(node) == true { directives.append(.end(session, at: node)) }
    }

    private func answer(
        _ calls: [PlacementCall], _ failure: SessionFailure?, _ directives: inout [Directive]
    ) {
        for call in calls { directives.append(.answer(call, failure)) }
    }

    /// How long a node that had no room, or was lost, is not asked.
    private static let rest: Duration = .seconds(1)
}
