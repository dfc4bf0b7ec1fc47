// SPDX-License-Identifier: Apache-2.0

import CDN
import Identity
import Media
import Origin
import Signing
import Steering
import Synchronization
import Telemetry
import Transport

/// A node's part in delivery by a CDN: decides once a second for the streams that it is the gateway of whether their
/// segments come from there, and says so in the feed. Any thread may call.
final class DeliveryPart: Sendable {
    private let url: String
    private let life: Duration
    private let signer: (any DeliverySigner)?
    private let settings: OffloadSettings
    private let tokenApps: Set<String>
    private let metrics: DeliveryMetrics
    private let switches = Mutex<[StreamID: OffloadSwitch]>([:])
    /// nil where the CDN is not asked to forget anything.
    private let purger: CachePurger?

    /// Throws what is wrong with the key; nil where there is no CDN.
    init?(_ settings: NodeSettings, metrics: DeliveryMetrics, log: StormLog) throws {
        guard let url = settings.cdn.url else { return nil }
        self.url = url
        self.metrics = metrics
        life = settings.cdn.tokenLife
        signer = try settings.deliverySigner()
        self.settings = settings.offloadSettings
        tokenApps = Set(settings.access.viewerApps)
        purger = CachePurger(settings.cdn, metrics: metrics, log: log)
    }

    /// Decides anew.
    /// - Parameters:
    ///   - audience: how many watch a stream, as far as is known here.
    ///   - use: how much of the edges' capacity is in use.
    func tick(_ streams: [LiveStream], audience: (StreamID) -> Int, use: Double) {
        let (now, wall) = (SystemClock.now(), SystemClock.wall())
        let decided = switches.withLock { switches in
            var next: [StreamID: OffloadSwitch] = [:]
            for stream in streams {
                var offload = switches[stream.id] ?? OffloadSwitch()
                if offload.update(viewers: audience(stream.id), use: use, settings: settings, now: now) {
                    metrics.switched(on: offload.isOn)
                }
                next[stream.id] = offload
            }
            switches = next
            return next
        }
        metrics.offloaded.set(decided.values.count { $0.isOn })
        for stream in streams {
            stream.offload(to: decided[stream.id]?.isOn == true ? base(of: stream.id, at: wall) : nil)
        }
    }

    /// The CDN is to forget a stream. Returns whether it is asked to.
    func purge(_ stream: StreamID) -> Bool {
        purger?.purge(stream)
        return purger != nil
    }

    /// Ends what is under way.
    func stop() { purger?.stop() }

    /// Where the CDN has a stream, with what lets viewers in; nil where it is not given the stream: because the edges let
    /// in only who has a viewer's token, which a CDN does not, or because the name has characters that some CDN would take
    /// for a wildcard.
    func base(of stream: StreamID, at now: WallTime) -> String? {
        guard !tokenApps.contains(stream.app) else { return nil }
        let path = "/" + PercentEncoding.path(stream.description) + "/"
        let grant = DeliveryGrant(base: url, path: path, expires: DeliveryGrant.expiry(at: now, life: life))
        return grant?.base(signedBy: signer)
    }
}
