// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import Clustering
import Gossip
import HLS
import Identity
import Origin
import Placement
import Replica
import Synchronization

/// Tells the cluster of the streams whose gateway this node is: when they begin and end, when their publisher goes and
/// comes, who their standby is, and what their variants are.
final class DirectoryFeeder: Sendable {
    private let node: NodeID
    private let region: Region
    private let publish: @Sendable (StreamEntry) -> Void
    private let told = Mutex<[StreamID: StreamEntry]>([:])

    init(node: NodeID, region: Region, publish: @escaping @Sendable (StreamEntry) -> Void) {
        self.node = node
        self.region = region
        self.publish = publish
    }

    /// Looks at a stream again, and tells what has changed.
    /// - Parameter standby: chooses the holder beside this node, given the one until now.
    func follow(_ stream: LiveStream, standby: (NodeID?) -> NodeID?) {
        let presence = stream.presence
        let fresh = told.withLock { told -> StreamEntry? in
            // Asked after the presence was, and before `forget` can come: what another node has is never called over.
            guard !stream.isYielded else { return nil }
            let known = told[stream.id].flatMap { $0.term == stream.term ? $0 : nil }
            guard known?.state != .ended else { return nil }
            // Another publisher may have been let in, in the same term.
            var entry = StreamEntry(
                stream: stream.id, term: stream.term, version: known?.version ?? 0, gateway: node,
                standby: known?.standby, region: region, state: presence,
                publisher: stream.publisher?.first ?? known?.publisher ?? 0, variants: known?.variants ?? [])
            entry.standby = presence == .ended ? entry.standby : standby(entry.standby)
            let variants = stream.replica.variants.map(\.summary)
            if !Self.isSame(variants, entry.variants) { entry.variants = variants }
            guard entry != known else { return nil }
            if known != nil { entry.version += 1 }
            entry = entry.fitted
            told[stream.id] = entry
            return entry
        }
        if let fresh { publish(fresh) }
    }

    /// Hears what the directory says of a stream that lives here. Somebody who could not hear of this node may have called
    /// it over: then it is told again.
    func defend(_ stream: LiveStream, against entry: StreamEntry) {
        let fresh = told.withLock { told -> StreamEntry? in
            guard var known = told[stream.id], known.term == entry.term, known.state != .ended, known != entry,
                !known.overrides(entry)
            else { return nil }
            known.version = entry.version &+ 1
            told[stream.id] = known
            return known
        }
        if let fresh { publish(fresh) }
    }

    /// Tells everything again, as to a cluster that has just been joined.
    func tellAll() { for entry in told.withLock({ Array($0.values) }) { publish(entry) } }

    /// Another node has the stream: there is nothing more to tell of it here.
    func forget(_ stream: StreamID) { told.withLock { $0[stream] = nil } }

    /// Forgets streams that are over and no longer served here.
    func forget(but streams: some Sequence<StreamID>) {
        let kept = Set(streams)
        told.withLock { $0 = $0.filter { $0.value.state != .ended || kept.contains($0.key) } }
    }

    /// Whether variants are the same but for bandwidths that differ by less than a tenth, as they always do.
    private static func isSame(_ one: [StreamVariant], _ other: [StreamVariant]) -> Bool {
        one.count == other.count
            && zip(one, other).allSatisfy { left, right in
                left.rendition == right.rendition && left.codecs == right.codecs && left.width == right.width
                    && left.height == right.height && left.range == right.range
                    && isNear(left.frameRate, right.frameRate) && isNear(left.peakBandwidth, right.peakBandwidth)
                    && isNear(left.averageBandwidth, right.averageBandwidth)
            }
    }

    private static func isNear(_ one: UInt32, _ other: UInt32) -> Bool {
        let (high, low) = (UInt64(max(one, other)), UInt64(min(one, other)))
        return high * 9 <= low * 10
    }
}
