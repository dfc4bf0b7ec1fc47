// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
import Relay
import Synchronization
import Transport

/// The replicas of a node, by stream, and the terms that were promised of streams, whether they are held or not.
public final class ReplicaTable: Sendable {
    private let state = Mutex(State())

    private struct State {
        var replicas: [StreamID: StreamReplica] = [:]
        var promises: [StreamID: TermPromise] = [:]
    }

    /// An empty table.
    public init() {}

    /// The replica of a stream, if the node has one.
    public subscript(id: StreamID) -> StreamReplica? { state.withLock { $0.replicas[id] } }

    /// All replicas, in no order.
    public var all: [StreamReplica] { state.withLock { Array($0.replicas.values) } }

    /// Puts a replica in place of any older one of its stream.
    public func insert(_ replica: StreamReplica) {
        state.withLock { state in
            state.replicas[replica.id] = replica
            if let promise = state.promises[replica.id] { _ = replica.promise(promise) }
        }
    }

    /// Takes this very replica out; a newer one of the same stream stays.
    public func remove(_ replica: StreamReplica) {
        state.withLock { state in
            guard state.replicas[replica.id] === replica else { return }
            state.replicas[replica.id] = nil
        }
    }

    /// From now on acknowledges and lists nothing of a stream's terms lower than `term`; what is held of it at that
    /// moment. A higher promise stays.
    public func promise(_ stream: StreamID, _ term: Term) -> (next: FeedPosition?, commit: CommitTracker.Commit?) {
        state.withLock { state in
            let now = SystemClock.now()
            var promise = state.promises[stream] ?? TermPromise(term, now: now)
            promise.raise(to: term, now: now)
            state.promises[stream] = promise
            return state.replicas[stream]?.promise(promise) ?? (nil, nil)
        }
    }

    /// The highest term promised of a stream, if any is remembered.
    public func promised(_ stream: StreamID) -> Term? { state.withLock { $0.promises[stream]?.term } }

    /// Forgets old promises of streams that are not held: the directory has long known of their terms. Call about once a
    /// second.
    public func sweep() {
        let oldest = SystemClock.now() - Self.memory
        state.withLock { state in
            guard !state.promises.isEmpty else { return }
            state.promises = state.promises.filter { $0.value.madeAt >= oldest || state.replicas[$0.key] != nil }
        }
    }

    private static let memory: Duration = .seconds(60)
}
