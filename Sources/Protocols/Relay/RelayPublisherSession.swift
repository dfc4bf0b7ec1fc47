// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Feed
public import Identity

/// The parent's side of one subscription: what its subscriber is to be sent next of a stream's log. Nothing is queued
/// for a subscriber: the log is the queue, and who falls out of it is cut off and comes back.
///
/// It is in one of four states. *Opening*: where the records begin was not said yet, because the node has none of the
/// stream, or because the subscriber just asked; leads to flowing, paused or over. *Flowing*: records are sent as they
/// come; leads to paused, opening and over. *Paused*: only heartbeats; leads to opening and over. *Over*: no exit.
public struct RelayPublisherSession: Sendable {
    /// What was asked for.
    public let request: RelayRequest

    private let settings: RelaySettings
    private var phase = Phase.opening
    /// The record to be sent next; nil: the oldest.
    private var wanted: FeedPosition?
    private var isPaused: Bool
    private var toldCommit: CommitTracker.Commit?
    private var holding = Holding.no

    private enum Phase { case flowing, opening, over, paused }

    /// How far a subscriber that acknowledges is: it counts once it has all there was when it came.
    private enum Holding { case no, catchingUp(to: FeedPosition), yes }

    /// What is to be done next.
    public enum Directive: Hashable, Sendable {
        /// The subscription ends: say why.
        case end(RelayRefusal)
        /// Send these records of the log, as one batch.
        case records(Range<UInt64>)
        /// Send this.
        case send(RelayMessage)
    }

    /// What a holder's acknowledgement means.
    public enum Acknowledgement: Hashable, Sendable {
        /// It has every record up to and with this one.
        case holds(FeedPosition)
        /// It has the whole window, and counts for what comes after this record.
        case joins(FeedPosition)
    }

    /// Begins a subscription; throws why it can not be.
    public init(_ request: RelayRequest, at node: NodeTag, settings: RelaySettings) throws(RelayRefusal) {
        guard !request.via.contains(node) else { throw .loop }
        guard request.via.count <= settings.maximumHops else { throw .tooManyHops }
        self.request = request
        self.settings = settings
        wanted = request.from
        isPaused = request.isPaused
    }

    /// Whether there will be something to send when the log grows.
    public var isFlowing: Bool { phase == .flowing || phase == .opening }

    /// What comes next; nil where there is nothing for now. Ask again after each directive, while the subscriber's
    /// connection takes more, and when the log has grown.
    /// - Parameters:
    ///   - log: what the node holds.
    ///   - commit: the furthest commit it heard of.
    public mutating func next(from log: borrowing FeedLog, commit: CommitTracker.Commit?) -> Directive? {
        switch phase {
        case .over: return nil
        case .opening: return open(log)
        case .paused: return nil
        case .flowing: return (toldCommit == nil ? told(commit) : nil) ?? advance(log) ?? told(commit)
        }
    }

    /// Takes in what the subscriber says. Returns what an acknowledgement means.
    public mutating func receive(_ message: RelayMessage) throws(RelayFailure) -> Acknowledgement? {
        guard phase != .over else { return nil }
        switch message {
        case .acknowledge(let position): return acknowledge(position)
        case .pause:
            isPaused = true
            if phase == .flowing { phase = .paused }
        case .resume(let position):
            isPaused = false
            wanted = position
            phase = .opening
        case .unsubscribe: phase = .over
        default: throw .unexpected
        }
        return nil
    }

    /// The sign of life that is due every ``RelaySettings/heartbeat``. Nil where the subscription is over.
    /// - Parameter gatewayAge: how long the node has not heard of the gateway; nil where it never has.
    public func heartbeat(
        term: Term?, commit: CommitTracker.Commit?, gatewayAge: Duration?
    ) -> RelayMessage? {
        guard phase != .over else { return nil }
        let age = gatewayAge.map { age in
            let (seconds, attoseconds) = max(age, .zero).components
            return UInt32(clamping: min(seconds, 1_000_000) * 1000 + attoseconds / 1_000_000_000_000_000)
        }
        return .heartbeat(RelayHeartbeat(term: term, commit: commit, gatewayAge: age ?? RelayHeartbeat.never))
    }
}

extension RelayPublisherSession {
    private mutating func open(_ log: borrowing FeedLog) -> Directive {
        if let highest = request.term, highest > log.term { return end(.wrongTerm) }
        let start = start(log)
        phase = isPaused ? .paused : .flowing
        wanted = start.position
        toldCommit = nil
        if request.isHolder, case .no = holding { holding = .catchingUp(to: log.next) }
        return .send(.accepted(start))
    }

    private func start(_ log: borrowing FeedLog) -> FeedStart {
        guard let wanted else { return log.oldest }
        return switch log.resumption(from: wanted) {
        case .ahead: FeedStart(position: wanted)
        case .at(let place): log.start(at: place)
        case .gone: log.oldest
        }
    }

    private mutating func advance(_ log: borrowing FeedLog) -> Directive? {
        guard let wanted else { return nil }
        switch log.resumption(from: wanted) {
        case .ahead: return nil
        case .gone: return end(.tooSlow)
        case .at(let place):
            guard let position = log.position(at: place), position.term == wanted.term else {
                let start = log.start(at: place)
                self.wanted = start.position
                return .send(.accepted(start))
            }
            let places = log.batch(from: place, records: settings.batchRecords, bytes: settings.batch.bytes)
            guard !places.isEmpty else { return nil }
            self.wanted = FeedPosition(term: wanted.term, number: wanted.number + UInt64(places.count))
            return .records(places)
        }
    }

    private mutating func told(_ commit: CommitTracker.Commit?) -> Directive? {
        guard let commit, commit != toldCommit else { return nil }
        toldCommit = commit
        return .send(.committed(commit))
    }

    private mutating func end(_ refusal: RelayRefusal) -> Directive {
        phase = .over
        return .end(refusal)
    }

    private mutating func acknowledge(_ position: FeedPosition) -> Acknowledgement? {
        switch holding {
        case .no: return nil
        case .catchingUp(let end):
            let isLevel = position.term > end.term || position.number &+ 1 >= end.number
            guard position.term >= end.term, isLevel else { return nil }
            holding = .yes
            return .joins(position)
        case .yes: return .holds(position)
        }
    }
}
