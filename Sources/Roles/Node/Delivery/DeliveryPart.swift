// SPDX-License-Identifier: Apache-2.0

import CDN
import Identity
import Media
import Origin
import Router
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
    private let state = Mutex(State())
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

    private struct State {
        var switches: [StreamID: OffloadSwitch] = [:]
        /// What was signed last for each stream, and until when: a signature costs up to a millisecond.
        var signed: [StreamID: (expires: WallTime, base: String)] = [:]
    }

    /// Decides anew.
    /// - Parameters:
    ///   - streams: those that this node is the gateway of: their segments follow.
    ///   - others: all others that viewers ask for here: those who ask for a steering manifest follow.
    ///   - audience: how many watch a stream, as far as is known here.
    ///   - use: how much of the edges' capacity is in use.
    func tick(_ streams: [LiveStream], others: Set<StreamID>, audience: (StreamID) -> Int, use: Double) {
        let (now, wall) = (SystemClock.now(), SystemClock.wall())
        let decided = state.withLock { state in
            var next: [StreamID: OffloadSwitch] = [:]
            for stream in others.union(streams.map(\.id)) {
                next[stream] = state.switches[stream] ?? OffloadSwitch()
                next[stream]?.update(viewers: audience(stream), use: use, settings: settings, now: now)
            }
            state.signed = state.signed.filter { next[$0.key] != nil }
            defer { state.switches = next }
            return streams.map { (isOn: next[$0.id]?.isOn == true, wasOn: state.switches[$0.id]?.isOn == true) }
        }
        metrics.offloaded.set(decided.count { $0.isOn })
        for (stream, (isOn, wasOn)) in zip(streams, decided) {
            if isOn != wasOn { metrics.switched(on: isOn) }
            stream.offload(to: isOn ? base(of: stream.id, at: wall) : nil)
        }
    }

    /// What steering asks of it, or of no CDN.
    static func desk(_ part: DeliveryPart?) -> SteeringDesk.Delivery {
        guard let part, part.settings.mode != .never else { return .none }
        return SteeringDesk.Delivery(
            base: { part.base(of: $0, at: SystemClock.wall()) },
            isUsed: { id in part.state.withLock { $0.switches[id]?.isOn } ?? (part.settings.mode == .always) })
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
        let expires = DeliveryGrant.expiry(at: now, life: life)
        if let known = state.withLock({ $0.signed[stream] }), known.expires == expires { return known.base }
        guard let grant = DeliveryGrant(base: url, path: path, expires: expires) else { return nil }
        let base = grant.base(signedBy: signer)
        state.withLock { $0.signed[stream] = (expires, base) }
        return base
    }
}
