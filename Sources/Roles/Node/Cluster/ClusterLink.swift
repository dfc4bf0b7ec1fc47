// SPDX-License-Identifier: Apache-2.0

import Identity
import Origin
import Synchronization
import Transport

/// The cluster as the table of streams sees it, which is made first.
final class ClusterLink: OriginCluster {
    private struct Link: Sendable { weak var cluster: ClusterPart? }

    let pulse: GatewayPulse? = GatewayPulse(now: SystemClock.now())
    private let link = Mutex(Link())

    func attach(_ cluster: ClusterPart?) { link.withLock { $0.cluster = cluster } }

    private var cluster: ClusterPart? { link.withLock { $0.cluster } }

    var hasOthers: Bool { cluster?.hasOthers ?? false }

    func known(_ stream: StreamID) -> KnownStream? { cluster?.known(stream) }

    func take(_ stream: LiveStream, for purpose: TermPurpose, done: @escaping @Sendable (TermOutcome) -> Void) {
        guard let cluster else { return done(.lost(.shutdown)) }
        cluster.take(stream, for: purpose, done: done)
    }

    func changed(_ stream: LiveStream) { cluster?.changed(stream) }
    func fenced(_ stream: LiveStream) { cluster?.fenced(stream) }
    func ended(_ stream: LiveStream) { cluster?.ended(stream) }
    func gaveUp(_ stream: LiveStream) { cluster?.gaveUp(stream) }
}
