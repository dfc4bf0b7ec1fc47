// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Cluster
public import Identity
public import NIOCore
public import Relay
import Synchronization

/// The number by which who calls for branches knows a session.
public typealias BranchNumber = UInt64

/// What is heard of a branch.
public enum BranchEvent: Hashable, Sendable {
    /// The node sends to a subscriber.
    case attached(Endpoint)
    /// It does not, or no longer.
    case detached(Endpoint, RelayDetachment)
    /// The branch is no more.
    case lost
    /// What it has sent.
    case tally(RelayTally)
}

/// The branches that this node's sessions have at other nodes. Any thread may call; what is asked for happens in that order,
/// on one event loop.
public final class BranchLinks: Sendable {
    /// Told what is heard of the branch of a session at a node, on the event loop.
    public typealias Listener = @Sendable (BranchNumber, NodeID, BranchEvent) -> Void

    private let eventLoop: any EventLoop
    private let loop: NIOLoopBoundBox<BranchLoop>
    /// Bytes of packets that wait for the event loop.
    private let waiting = Atomic(0)

    /// No branches yet, and connections on `eventLoop`.
    public init(
        identity: RelayIdentity, on eventLoop: any EventLoop, metrics: RelayMetrics, listener: @escaping Listener
    ) {
        self.eventLoop = eventLoop
        loop = .makeBoxSendingValue(
            BranchLoop(identity: identity, eventLoop: eventLoop, metrics: metrics, listener: listener),
            eventLoop: eventLoop)
    }

    /// Calls for a branch of a session.
    public func begin(_ number: BranchNumber, _ branch: RelayBranch, at parent: RelayParent) {
        eventLoop.execute { [loop] in loop.value.begin(number, branch, at: parent) }
    }

    /// Has a branch send to a subscriber.
    public func attach(_ endpoint: Endpoint, _ number: BranchNumber, at node: NodeID) {
        eventLoop.execute { [loop] in loop.value.send(.attach(endpoint), number, at: node) }
    }

    /// Has it send there no more.
    public func detach(_ endpoint: Endpoint, _ number: BranchNumber, at node: NodeID) {
        eventLoop.execute { [loop] in loop.value.send(.detach(endpoint), number, at: node) }
    }

    /// Ends a branch.
    public func end(_ number: BranchNumber, at node: NodeID) {
        eventLoop.execute { [loop] in loop.value.end(number, at: node) }
    }

    /// Sends packets, each `segment` bytes long but the last, to all branches of a session. They are copied.
    /// - Parameter onDrop: called, on this thread or the event loop, where a branch or all of them can not have them.
    public func forward(
        _ packets: UnsafeRawBufferPointer, segment: Int, of number: BranchNumber,
        onDrop: @escaping @Sendable (_ branches: Int) -> Void
    ) {
        let count = packets.count
        guard waiting.load(ordering: .relaxed) + count <= Self.mostWaiting else { return onDrop(1) }
        waiting.wrappingAdd(count, ordering: .relaxed)
        let bytes = Array(packets)[...]
        eventLoop.execute { [self] in
            waiting.wrappingSubtract(count, ordering: .relaxed)
            let dropped = loop.value.forward(bytes, segment: segment, of: number)
            if dropped > 0 { onDrop(dropped) }
        }
    }

    /// Ends all branches.
    public func stop() { eventLoop.execute { [loop] in loop.value.stop() } }

    /// What may wait for an event loop that is busy: half a second of 64 Mbit/s.
    private static let mostWaiting = 4 << 20
}
