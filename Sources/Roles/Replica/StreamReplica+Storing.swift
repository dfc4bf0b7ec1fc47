// SPDX-License-Identifier: Apache-2.0

public import Feed
public import HLS
public import Identity
import Synchronization

/// A segment for the object store: its description, and its bytes by rendition.
public struct SegmentToStore: Sendable {
    /// As playlists in the store list it.
    public let segment: StoredSegment
    /// Whether it is the first of its stream.
    public let isBeginning: Bool
    /// What each rendition has of it, `main` first; empty for a gap.
    public let contents: [Content]

    /// The media of one rendition.
    public struct Content: Sendable {
        /// Which rendition.
        public let rendition: RenditionName
        /// The segment's parts, one behind the other.
        public let chunks: [[UInt8]]
        /// What the gateway stated that they hash to; nil where nobody did.
        public let sha256: [UInt8]?
        /// Its init section.
        public let initSection: [UInt8]
    }
}

/// A part for the object store.
public struct PartToStore: Sendable {
    /// Which part.
    public let position: PartPosition
    /// The term in its name.
    public let term: Term
    /// What each rendition has of it, `main` first.
    public let contents: [Content]

    /// The media of one rendition.
    public struct Content: Sendable {
        /// Which rendition.
        public let rendition: RenditionName
        /// Its bytes.
        public let bytes: [UInt8]
    }
}

/// What the recorder at the gateway asks of a replica.
extension StreamReplica {
    /// The segments behind `msn`, or all that are held, which are committed and whole. Where `mailbox` is given it is posted
    /// when there may be more.
    public func segmentsToStore(
        after msn: MediaSequenceNumber?, limit: Int, wake mailbox: LoopMailbox?
    ) -> [SegmentToStore] {
        state.withLock { state in
            if let mailbox { state.wish(.parts, mailbox) }
            return state.feed.window.storable(after: msn).prefix(limit).map { state.toStore($0) }
        }
    }

    /// The parts at the live edge that are committed, behind `position` and behind segment `msn`.
    public func partsToStore(after position: PartPosition?, beyond msn: MediaSequenceNumber?) -> [PartToStore] {
        state.withLock { state in
            let parts = state.feed.window.freshParts(after: position)
            return parts.filter { part in msn.map { part.position.msn > $0 } ?? true }
                .map { state.toStore($0.position, of: $0.term) }
        }
    }

    /// Whether the stream is over and all of it is committed.
    public var isWhole: Bool { state.withLock { $0.feed.window.isEnded } }

    /// EXT-X-TARGETDURATION in seconds, once it is decided.
    public var targetDuration: Int? { state.withLock { $0.feed.window.targetDuration } }

    /// The newest segment that the feed says to be in the object store.
    public var stored: MediaSequenceNumber? { state.withLock { $0.feed.stored } }
}

extension StreamReplica.State {
    fileprivate mutating func toStore(_ position: PartPosition, of term: Term) -> PartToStore {
        let contents = feed.window.renditions(of: position.msn).compactMap { rendition -> PartToStore.Content? in
            feed.window.part(position, term: term, rendition: rendition)
                .map { PartToStore.Content(rendition: rendition, bytes: $0) }
        }
        return PartToStore(position: position, term: term, contents: contents)
    }

    fileprivate mutating func toStore(_ segment: StoredSegment) -> SegmentToStore {
        let isBeginning = feed.window.isBeginning(segment.msn)
        guard !segment.isGap else { return SegmentToStore(segment: segment, isBeginning: isBeginning, contents: []) }
        let digests = feed.digests(of: segment.msn)
        let contents = feed.window.renditions(of: segment.msn).compactMap { rendition -> SegmentToStore.Content? in
            guard let chunks = feed.window.segment(segment.msn, term: segment.term, rendition: rendition),
                let initSection = feed.window.initSection(
                    segment.initSection.number, term: segment.initSection.term, rendition: rendition)
            else { return nil }
            let sha256 = digests.first { $0.rendition == rendition }?.sha256
            return SegmentToStore.Content(
                rendition: rendition, chunks: chunks, sha256: sha256, initSection: initSection)
        }
        return SegmentToStore(segment: segment, isBeginning: isBeginning, contents: contents)
    }
}
