// SPDX-License-Identifier: Apache-2.0

public import Feed
import HLS
import Identity
import NIOCore
import Relay
import Synchronization
import Transport

/// What the relay asks of a replica: the parent's side, and the subscriber's.
extension StreamReplica {
    /// What a subscriber is to be sent next.
    enum RelayStep {
        /// The subscription ends.
        case end(RelayRefusal)
        /// There is nothing for now; the mailbox will be posted.
        case level
        /// The content of a batch of records, shared by all who are sent it.
        case records(ByteBuffer)
        /// A message.
        case send(RelayMessage)
    }

    /// Takes a session one step on.
    func next(for session: inout RelayPublisherSession, wake mailbox: LoopMailbox) -> RelayStep {
        state.withLock { state in
            guard state.hasTerm, let directive = session.next(from: state.feed.log, commit: state.feed.commit) else {
                if session.isFlowing { state.wish([.records, .commits], mailbox) }
                return .level
            }
            return switch directive {
            case .end(let refusal): .end(refusal)
            case .records(let places): .records(state.batches.batch(places, of: state.feed.log))
            case .send(let message): .send(message)
            }
        }
    }

    /// How many other nodes subscribe here.
    public var subscriberCount: Int { state.withLock { $0.subscribers } }

    /// The first record that is not here, nil while nothing is known, and what is known to be committed.
    public var holding: (next: FeedPosition?, commit: CommitTracker.Commit?) {
        state.withLock { ($0.hasTerm ? $0.feed.next : nil, $0.feed.commit) }
    }

    /// Other nodes came to subscribe here, or went.
    func subscribers(by change: Int) { state.withLock { $0.subscribers += change } }

    /// Whether anybody wants the stream here: viewers, other nodes, or who asked within `linger`.
    func isWanted(now: Duration, linger: Duration) -> Bool {
        state.withLock { $0.viewers.count > 0 || $0.subscribers > 0 || $0.lastAsked + linger > now }
    }

    /// Nobody behind `mailbox` subscribes any more.
    func forget(_ mailbox: LoopMailbox) { state.withLock { $0.forget(mailbox) } }

    /// The sign of life that a session owes its subscriber.
    func heartbeat(for session: RelayPublisherSession, now: Duration) -> RelayMessage? {
        state.withLock { state in
            let age = state.source == .gateway ? .zero : state.gatewayHeard.map { now - $0 }
            return session.heartbeat(
                term: state.hasTerm ? state.feed.log.term : nil, commit: state.feed.commit, gatewayAge: age)
        }
    }

    /// Records that follow begin at `start`.
    func begin(_ start: FeedStart) {
        change([.records, .parts]) { state in
            guard state.source == .relay else { return }
            state.hasTerm = true
            state.feed.begin(start)
            if state.feed.log.count == 0 { state.hasBeenLevel = false }
        }
    }

    /// What became of records that came.
    struct Intake {
        /// What the checks of digests came to since the last call.
        var digests = DigestCounters()
        /// Whether they may be acknowledged: no higher term was promised to anybody before they were here.
        var mayBeAcknowledged = false
    }

    /// Records came, the first of which stands at `first`.
    /// - Parameter parent: the node that they came from.
    func append(_ records: [FeedRecord], at first: FeedPosition, from parent: NodeID?) -> Intake {
        var found = Intake()
        change(.records) { state in
            guard state.source == .relay else { return }
            found.mayBeAcknowledged = state.promise?.admitsAcknowledging(first.term) ?? true
            let before = state.feed.digests
            for (offset, record) in records.enumerated() {
                let position = FeedPosition(term: first.term, number: first.number + UInt64(offset))
                append(record, at: position, from: parent, &state)
            }
            found.digests.checked = state.feed.digests.checked - before.checked
            found.digests.mismatched = state.feed.digests.mismatched - before.mismatched
        }
        return found
    }

    /// Hears from the parent that all holders have more. Nothing of a term that was promised away is listed, unless
    /// the promise is over.
    /// - Returns: whether that was so.
    func hear(_ commit: CommitTracker.Commit) -> Bool {
        var isTaken = false
        let now = SystemClock.now()
        change([]) { state in
            let (term, newest) = (commit.position.term, state.feed.next.term)
            guard state.source == .relay, state.promise?.admitsListing(term, holding: newest, now: now) ?? true else {
                return
            }
            state.feed.commit(upTo: commit)
            isTaken = true
        }
        return isTaken
    }

    /// Notes whether all that the parent has committed is here, and when the gateway was last heard of.
    func subscription(isLevel: Bool, gatewayHeard: Duration?) {
        let isNews = state.withLock { state in
            guard state.source == .relay else { return false }
            let isNews = isLevel && !state.isLevel
            if isNews { state.levelings &+= 1 }
            state.isLevel = isLevel
            state.gatewayHeard = gatewayHeard ?? state.gatewayHeard
            return isNews
        }
        if isNews { wake(.parts) { _ in } }
    }

    /// Nobody serves the stream: what waits for it is answered as if it were over, and nothing will come.
    func abandon() {
        wake([.parts, .records, .commits]) { state in
            guard state.source == .relay else { return }
            state.isLevel = true
            state.levelings &+= 1
            state.isOver = true
        }
    }

    /// The record wanted next; nil while nothing is known.
    var next: FeedPosition? { state.withLock { $0.hasTerm ? $0.feed.next : nil } }

    /// Whether it is known what there is of the stream.
    var hasTerm: Bool { state.withLock { $0.hasTerm } }
}

/// The newest batches of a stream as bytes: written once, sent to all who are level.
struct RelayBatches: Sendable {
    private var batches: [(places: Range<UInt64>, body: ByteBuffer)] = []

    /// The content of the batch of `places`.
    mutating func batch(_ places: Range<UInt64>, of log: borrowing FeedLog) -> ByteBuffer {
        if let known = batches.last(where: { $0.places == places }) { return known.body }
        guard let first = log.position(at: places.lowerBound) else { preconditionFailure("no record at \(places)") }
        let body = ByteBuffer(bytes: RelayFrameEncoder().body(of: log.slice(places), from: first))
        if batches.count == Self.capacity { batches.removeFirst() }
        batches.append((places, body))
        return body
    }

    /// Enough for subscribers that are a few wakes apart.
    private static let capacity = 4
}
