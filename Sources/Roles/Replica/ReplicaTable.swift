// SPDX-License-Identifier: Apache-2.0

public import Identity
import Synchronization

/// The replicas of a node, by stream.
public final class ReplicaTable: Sendable {
    private let state = Mutex<[StreamID: StreamReplica]>([:])

    /// An empty table.
    public init() {}

    /// The replica of a stream, if the node has one.
    public subscript(id: StreamID) -> StreamReplica? { state.withLock { $0[id] } }

    /// All replicas, in no order.
    public var all: [StreamReplica] { state.withLock { Array($0.values) } }

    /// Puts a replica in place of any older one of its stream.
    public func insert(_ replica: StreamReplica) { state.withLock { $0[replica.id] = replica } }

    /// Takes this very replica out; a newer one of the same stream stays.
    public func remove(_ replica: StreamReplica) {
        state.withLock { replicas in
            guard replicas[replica.id] === replica else { return }
            replicas[replica.id] = nil
        }
    }
}
