// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// The subscriptions of one event loop: one wake for each stream and loop, however many viewers it has there.
/// Confined to its loop.
public final class SubscriptionTable {
    private let eventLoop: any EventLoop
    private var subscriptions: [ObjectIdentifier: [ObjectIdentifier: FeedSubscription]] = [:]
    private var mailbox: LoopMailbox?
    private var isTicking = false

    /// An empty table. Make it on `eventLoop`.
    public init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        let box = NIOLoopBoundBox<SubscriptionTable?>(nil, eventLoop: eventLoop)
        mailbox = LoopMailbox(eventLoop: eventLoop) { replica in box.value?.wake(replica) }
        box.value = self
    }

    /// Subscribes `sink`, which is not kept alive by this, to `replica`, from its newest random access point on. Call
    /// `pump` to begin.
    /// - Parameter viewer: what the replica knows the viewer by.
    public func open(
        _ replica: StreamReplica, viewer: UInt64, sink: any RecordSink, settings: PlaySettings
    ) -> FeedSubscription {
        guard let mailbox else { preconditionFailure("made in init") }
        let subscription = FeedSubscription(
            replica: replica, mailbox: mailbox, viewer: viewer, sink: sink, settings: settings)
        subscriptions[ObjectIdentifier(replica), default: [:]][ObjectIdentifier(subscription)] = subscription
        tick()
        return subscription
    }

    /// Ends a subscription.
    public func close(_ subscription: FeedSubscription) {
        subscription.close()
        let id = ObjectIdentifier(subscription.replica)
        subscriptions[id]?[ObjectIdentifier(subscription)] = nil
        if subscriptions[id]?.isEmpty ?? false { subscriptions[id] = nil }
    }

    private func wake(_ replica: StreamReplica) {
        guard let woken = subscriptions[ObjectIdentifier(replica)] else { return }
        for subscription in woken.values { subscription.pump() }
    }

    /// Once a second, tells replicas what their viewers were sent, and looks after those whose sinks are full and perhaps
    /// dead.
    private func tick() {
        guard !isTicking else { return }
        isTicking = true
        eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: .seconds(1)) { [self] in
            isTicking = false
            for members in subscriptions.values {
                members.first?.value.replica.sent(members.values.compactMap { $0.takeSent() })
                for subscription in members.values where subscription.isStalled { subscription.pump() }
            }
            if !subscriptions.isEmpty { tick() }
        }
    }
}
