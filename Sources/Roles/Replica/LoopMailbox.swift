// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import Synchronization

/// Wakes one event loop, or another thread that takes work, about replicas that changed: many changes, one hop.
///
/// A replica posts itself once for each wish it was asked for, so nothing is queued twice and nothing is allocated for
/// each waiter.
public final class LoopMailbox: Sendable {
    private let execute: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let pending = Mutex<[StreamReplica]>([])
    private let deliver: @Sendable (StreamReplica) -> Void

    /// - Parameter deliver: called on the loop, once for each replica posted.
    public convenience init(eventLoop: any EventLoop, deliver: @escaping @Sendable (StreamReplica) -> Void) {
        self.init(execute: { eventLoop.execute($0) }, deliver: deliver)
    }

    /// - Parameters:
    ///   - execute: has the thread that is woken do something soon; called on any thread.
    ///   - deliver: called on that thread, once for each replica posted.
    public init(
        execute: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
        deliver: @escaping @Sendable (StreamReplica) -> Void
    ) {
        self.execute = execute
        self.deliver = deliver
    }

    /// Delivers `replica` soon, from any thread.
    func post(_ replica: StreamReplica) {
        let isFirst = pending.withLock { pending in
            pending.append(replica)
            return pending.count == 1
        }
        if isFirst { execute { self.drain() } }
    }

    private func drain() {
        let replicas = pending.withLock { pending in
            defer { pending.removeAll(keepingCapacity: true) }
            return pending
        }
        for replica in replicas { deliver(replica) }
    }
}
