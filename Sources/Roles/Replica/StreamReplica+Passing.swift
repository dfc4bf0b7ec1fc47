// SPDX-License-Identifier: Apache-2.0

import Feed
public import HLS
import Identity
import Media
import Synchronization
import Traces
import Transport

/// What is noted of media as it passes: how old it is, and the spans of segments that are traced.
extension StreamReplica {
    /// A segment has begun here.
    /// - Parameters:
    ///   - parent: the node that the record came from.
    ///   - arrived: when the publisher's message came that begins it, monotonic; nil where no message did.
    func note(
        _ start: SegmentStart, in term: Term, from parent: NodeID?, arrived: Duration?, _ state: inout State
    ) {
        let isPublished = state.source == .gateway
        if isPublished { metrics.passed(.received, since: start.programDateTime) }
        guard state.spans != nil else { return }
        let waited = arrived.map { SystemClock.now() - $0 } ?? .zero
        state.spans?.begin(
            start.msn, in: term, from: parent, isPublished: isPublished, at: SystemClock.traceTime().before(waited))
    }

    /// More is listed than before.
    func noteListed(_ state: inout State) {
        guard let part = state.feed.window.committed else { return }
        if state.spans?.isTracing == true { state.spans?.commit(upTo: part, at: SystemClock.traceTime()) }
        // What was there before this node came is of no age that anybody would see.
        guard state.isLevel, let date = state.feed.window.date(of: part) else { return }
        metrics.passed(state.source == .gateway ? .packaged : .relayed, since: date)
    }

    /// A part or a segment was made ready for the first viewer who asked for it. What is asked for behind the live edge says
    /// nothing of the way there.
    public func noteServed(_ resource: MediaResource) {
        let found = state.withLock { state -> (MediaHop, WallTime)? in
            guard let newest = state.feed.window.committed else { return nil }
            switch resource {
            case .part(_, _, let position) where state.feed.window.isNearEnd(position):
                return state.feed.window.date(of: position).map { (MediaHop.served, $0) }
            case .segment(_, _, let msn) where msn &+ Self.liveSegments > newest.msn:
                return state.feed.window.date(of: PartPosition(msn: msn, part: 0)).map { (MediaHop.servedSegment, $0) }
            default: return nil
            }
        }
        if let (hop, date) = found { metrics.passed(hop, since: date) }
    }

    private static let liveSegments: MediaSequenceNumber = 3
}

/// A place that media passes on its way from the publisher to a viewer.
enum MediaHop: String, Sendable, CaseIterable {
    /// The gateway has the first picture of a segment.
    case received
    /// A part is whole and listed at the gateway.
    case packaged
    /// The same at a node that has it over the relay.
    case relayed
    /// A part is ready for its first viewer at a node.
    case served
    /// A segment is ready for its first viewer at a node.
    case servedSegment = "served_segment"
    /// A segment's first picture goes to viewers of whole units: FLV, RTMP, WebRTC.
    case played
}
