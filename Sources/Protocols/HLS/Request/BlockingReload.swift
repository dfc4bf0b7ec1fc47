// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Feed
import Identity
import Media

/// Decides what becomes of a request for a stream's playlists and media: an answer now, a wait, or a refusal
/// (RFC 8216bis §6.2.5.2). Hop 10 in the life of a frame.
///
/// Who waits is asked again when the window's `reach` comes to the position waited for, when the stream ends, and when
/// the node comes level with its parent; and a last time with `hasWaited` when the time is over.
///
/// Departures from RFC 8216bis, for answers that are the same on every node: a request whose part is there is answered
/// with the playlist as it was directly after that part, not with the newest one, unless the part is further than three
/// target durations from the end; and a node that is behind its parent waits instead of refusing what it can not judge.
/// A publisher that stalls gets no parts with GAP=YES: what it sends afterwards goes on where it stopped, so nothing is
/// missing that a gap could stand for, and its duration would not be known before the stall is over. Who waits meanwhile
/// gets the unchanged playlist at the end of the wait, as while the publisher is away. So does who waits for a segment
/// without parts, which may last longer than a client waits.
public enum BlockingReload {
    /// What is to be done with the request.
    public enum Directive: Hashable, Sendable {
        /// Answer with the init section.
        case initSection
        /// Answer with the multivariant playlist.
        case multivariantPlaylist(CachePolicy)
        /// Answer with the part.
        case part
        /// Answer with this text of the media playlist.
        case playlist(PlaylistKey, isDelta: Bool, CachePolicy)
        /// Refuse.
        case refuse(Refusal)
        /// Answer with the segment.
        case segment
        /// Wait until the window reaches the position, no longer than this since the request came.
        case wait(until: PartPosition, atMost: Duration)

        /// How long the answer may be kept. A wait has none.
        public var cachePolicy: CachePolicy {
            switch self {
            case .initSection, .part, .segment: .immutable
            case .multivariantPlaylist(let policy), .playlist(_, _, let policy): policy
            case .refuse(let refusal): refusal.cachePolicy
            case .wait: .never
            }
        }
    }

    /// What the role knows and the window does not.
    public struct Circumstances: Hashable, Sendable {
        /// Whether all that the node's parent has committed is in the window. Always so at the gateway.
        public var isLevel: Bool
        /// Whether the window was level once since it began: before, its newest is old, and who begins to play there
        /// stays that far behind.
        public var hasBeenLevel: Bool
        /// Whether the publisher is away, in its grace, or sends nothing for longer than a target duration.
        public var isPublisherAbsent: Bool
        /// Whether the request has waited as long as it may.
        public var hasWaited: Bool

        /// Circumstances of their parts; those of a gateway with its publisher there unless said otherwise.
        public init(
            isLevel: Bool = true, hasBeenLevel: Bool = true, isPublisherAbsent: Bool = false, hasWaited: Bool = false
        ) {
            self.isLevel = isLevel
            self.hasBeenLevel = hasBeenLevel
            self.isPublisherAbsent = isPublisherAbsent
            self.hasWaited = hasWaited
        }
    }

    /// Decides on a request.
    /// - Parameters:
    ///   - resource: what is asked for; FLV is not decided here and counts as not found.
    ///   - query: what stands behind the `?`; read for media playlists only.
    public static func directive(
        for resource: MediaResource, query: ByteSlice = [], window: borrowing MediaWindow,
        circumstances: Circumstances = Circumstances()
    ) -> Directive {
        let directive = firstDirective(for: resource, query: query, window: window, circumstances: circumstances)
        guard circumstances.hasWaited, case .wait = directive else { return directive }
        let isQuiet = circumstances.isPublisherAbsent || !window.hasParts
        if isQuiet, case .mediaPlaylist = resource, let current = window.currentKey {
            return .playlist(current, isDelta: false, .never)
        }
        return .refuse(.unavailable)
    }

    /// Decides on a request for a stream of which the node has no window.
    public static func directiveWithoutWindow(
        settings: MediaWindowSettings, circumstances: Circumstances = Circumstances()
    ) -> Directive {
        guard !circumstances.isLevel else { return .refuse(.notFound) }
        guard !circumstances.hasWaited else { return .refuse(.unavailable) }
        return .wait(until: PartPosition(msn: 0, part: 0), atMost: settings.waitBeforeFirstPlaylist)
    }

    private static func firstDirective(
        for resource: MediaResource, query: ByteSlice, window: borrowing MediaWindow, circumstances: Circumstances
    ) -> Directive {
        switch resource {
        case .flv: .refuse(.notFound)
        case .initSection(let rendition, let term, let number):
            window.initSection(number, term: term, rendition: rendition, isLevel: circumstances.isLevel)
        case .mediaPlaylist(let rendition):
            window.playlist(rendition, query: query, circumstances)
        case .multivariantPlaylist: window.multivariantPlaylist(circumstances)
        case .part(let rendition, let term, let position):
            window.part(position, term: term, rendition: rendition, isLevel: circumstances.isLevel)
        case .segment(let rendition, let term, let msn):
            window.segment(msn, term: term, rendition: rendition, isLevel: circumstances.isLevel)
        }
    }
}
