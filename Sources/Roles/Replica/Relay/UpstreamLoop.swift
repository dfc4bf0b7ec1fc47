// SPDX-License-Identifier: Apache-2.0

import Identity
import NIOCore
import Relay
import Transport

/// The streams that one event loop takes from other nodes, and its connections to them. Confined to its loop.
final class UpstreamLoop {
    let eventLoop: any EventLoop
    let identity: RelayIdentity
    let finder: any ParentFinder
    /// The versions of the byte writer that the node writes.
    let packaging: ClosedRange<UInt8>
    let metrics: RelayMetrics
    /// Told of a stream that no parent knows.
    private let onUnknown: @Sendable (StreamReplica) -> Void
    private var upstreams: [StreamID: Upstream] = [:]
    private var links: [RelayParent: RelayLink] = [:]
    private var isBeating = false

    init(
        eventLoop: any EventLoop, identity: RelayIdentity, finder: any ParentFinder, packaging: ClosedRange<UInt8>,
        metrics: RelayMetrics,
        onUnknown: @escaping @Sendable (StreamReplica) -> Void
    ) {
        self.eventLoop = eventLoop
        self.identity = identity
        self.finder = finder
        self.packaging = packaging
        self.metrics = metrics
        self.onUnknown = onUnknown
    }

    /// Takes a stream.
    func open(_ replica: StreamReplica, via: [NodeTag], isHolder: Bool) {
        upstreams[replica.id]?.close()
        let upstream = Upstream(replica, self, via: via, isHolder: isHolder)
        upstreams[replica.id] = upstream
        upstream.tick(now: SystemClock.now())
        beat()
    }

    /// Takes a stream no longer.
    func close(_ replica: StreamReplica) {
        guard let upstream = upstreams[replica.id], upstream.replica === replica else { return }
        upstream.close()
        upstreams[replica.id] = nil
    }

    /// There is news of a stream, in this term.
    func learn(_ stream: StreamID, _ term: Term) { upstreams[stream]?.learn(term, now: SystemClock.now()) }

    /// A random access point of a stream is wanted here.
    func requestRandomAccess(of stream: StreamID) { upstreams[stream]?.requestRandomAccess() }

    /// Nobody knows the stream.
    func giveUp(_ upstream: Upstream) {
        close(upstream.replica)
        onUnknown(upstream.replica)
    }

    /// The connection to a parent, opened if it is not there.
    func link(to parent: RelayParent) -> RelayLink {
        if let link = links[parent] { return link }
        let link = RelayLink(parent, self)
        links[parent] = link
        link.connect()
        return link
    }

    /// A connection is gone.
    func forget(_ link: RelayLink) {
        if links[link.parent] === link { links[link.parent] = nil }
    }

    /// Keeps time while there is anything to keep it for.
    private func beat() {
        guard !isBeating, !upstreams.isEmpty else { return }
        isBeating = true
        eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: .milliseconds(50)) { [self] in
            isBeating = false
            let now = SystemClock.now()
            for upstream in Array(upstreams.values) { upstream.tick(now: now) }
            beat()
        }
    }
}
