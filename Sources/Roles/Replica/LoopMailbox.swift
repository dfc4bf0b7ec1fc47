// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import Synchronization

/// Wakes one event loop about replicas that changed: many changes, one hop.
///
/// A replica posts itself once for each wish it was asked for, so nothing is queued twice and nothing is allocated for
/// each waiter.
public final class LoopMailbox: Sendable {
    /// The loop that is woken.
    public let eventLoop: any EventLoop
    private let pending = Mutex<[StreamReplica]>([])
    private let deliver: @Sendable (StreamReplica) -> Void

    /// - Parameter deliver: called on the loop, once for each replica posted.
    public init(eventLoop: any EventLoop, deliver: @escaping @Sendable (StreamReplica) -> Void) {
        self.eventLoop = eventLoop
        self.deliver = deliver
    }

    /// Delivers `replica` soon, from any thread.
    func post(_ replica: StreamReplica) {
        let isFirst = pending.withLock { pending in
            pending.append(replica)
            return pending.count == 1
        }
        if isFirst { eventLoop.execute { self.drain() } }
    }

    private func drain() {
        let replicas = pending.withLock { pending in
            defer { pending.removeAll(keepingCapacity: true) }
            return pending
        }
        for replica in replicas { deliver(replica) }
    }
}
