// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Feed
public import HLS
public import Identity
public import Media
import Synchronization
import Transport

/// How far a replica can answer.
public struct Outlook: Sendable {
    /// Requests that wait for this position or an earlier one can be answered.
    public let reach: PartPosition?
    /// Whether those who wait are to be answered whatever they wait for: the stream is over.
    public let isOver: Bool
    /// How often the node came level with its parent: who waits for a name that does not exist is to be told then.
    public let levelings: UInt32
}

extension StreamReplica {
    /// How far the replica can answer now.
    public var outlook: Outlook {
        state.withLock { Outlook(reach: $0.feed.window.reach, isOver: $0.isOver, levelings: $0.levelings) }
    }

    /// Decides on a request. Where it must wait, `mailbox` is posted when a part is committed or the stream ends.
    public func decide(
        _ resource: MediaResource, query: ByteSlice, hasWaited: Bool, wake mailbox: LoopMailbox?
    ) -> BlockingReload.Directive {
        state.withLock { state in
            state.lastAsked = SystemClock.now()
            guard state.hasTerm || !state.isOver else { return .refuse(.notFound) }
            let circumstances = BlockingReload.Circumstances(
                isLevel: state.isLevel, hasBeenLevel: state.hasBeenLevel,
                isPublisherAbsent: state.isAbsent || state.isGatewaySilent, hasWaited: hasWaited)
            let directive = BlockingReload.directive(
                for: resource, query: query, window: state.feed.window, circumstances: circumstances)
            if case .wait = directive, let mailbox { state.wish(.parts, mailbox) }
            return directive
        }
    }

    /// Asks for `mailbox` to be posted at the next part.
    public func wishForParts(_ mailbox: LoopMailbox) { state.withLock { $0.wish(.parts, mailbox) } }

    /// The bytes that a directive asks for, in order, and the tracks they belong to; nil where they are gone.
    /// - Parameters:
    ///   - others: where else the stream can be had, for the multivariant playlist.
    ///   - rewind: what a playlist says beyond the window.
    public func bytes(
        for directive: BlockingReload.Directive, of resource: MediaResource,
        others: [MultivariantPlaylist.Pathway] = [], rewind: Rewind? = nil
    ) -> (chunks: [[UInt8]], tracks: [Track])? {
        if let rewind, rewind.reach > .zero, case .playlist(let key, let isDelta, _) = directive,
            case .mediaPlaylist(let rendition) = resource
        {
            // Thousands of segments may be older than the window: they are written from a copy of it, which shares its media.
            let window = state.withLock { $0.feed.window }
            let playlist = MediaPlaylist(of: window, rendition: rendition, at: key, isDelta: isDelta, rewind: rewind)
            return playlist.map { ([$0.text], window.parameters?.tracks ?? []) }
        }
        return state.withLock { state in
            let tracks = state.feed.window.parameters?.tracks ?? []
            return state.bytes(for: directive, of: resource, others: others, rewind: rewind).map { ($0, tracks) }
        }
    }

    /// Where the playlist of `key` begins without a past, and the segments behind `msn` that are here and will not change; nil
    /// where there is no such playlist.
    public func beginning(
        of key: PlaylistKey, seenThrough msn: MediaSequenceNumber?
    ) -> (beginning: PlaylistBeginning, news: [StoredSegment])? {
        state.withLock { state in
            state.feed.window.beginning(of: key).map { ($0, state.feed.window.storable(after: msn)) }
        }
    }

    /// The tracks of the newest segment; empty before the first.
    public var parameters: Parameters? { state.withLock { $0.feed.window.parameters } }

    /// The renditions as the multivariant playlist lists them.
    public var variants: [Variant] { state.withLock { $0.feed.window.variants } }

    /// Whether a playlist can be answered.
    public var isPlayable: Bool { state.withLock { $0.hasBeenLevel && $0.feed.window.currentKey != nil } }

    /// Whether records may still come for the first time: other nodes were asked, and have not answered.
    public var isExpected: Bool { state.withLock { !$0.hasTerm && !$0.isOver } }

    /// Whether the stream is over.
    public var isOver: Bool { state.withLock { $0.isOver } }
}

extension StreamReplica.State {
    /// Whether nothing was heard of the gateway for so long that its publisher is as good as away.
    fileprivate var isGatewaySilent: Bool {
        guard source == .relay, let gatewayHeard else { return false }
        return SystemClock.now() - gatewayHeard > .seconds(1)
    }

    fileprivate mutating func bytes(
        for directive: BlockingReload.Directive, of resource: MediaResource, others: [MultivariantPlaylist.Pathway],
        rewind: Rewind?
    ) -> [[UInt8]]? {
        switch (directive, resource) {
        case (.playlist(let key, let isDelta, _), .mediaPlaylist(let rendition)):
            MediaPlaylist(of: feed.window, rendition: rendition, at: key, isDelta: isDelta, rewind: rewind).map {
                [$0.text]
            }
        case (.multivariantPlaylist, .multivariantPlaylist(let isFlat)):
            MultivariantPlaylist(
                of: feed.window, address: isFlat ? .flat : .relative, others: others, query: rewind?.query ?? ""
            ).map { [$0.text] }
        case (.part, .part(let rendition, let term, let position)):
            feed.window.part(position, term: term, rendition: rendition).map { [$0] }
        case (.segment, .segment(let rendition, let term, let msn)):
            feed.window.segment(msn, term: term, rendition: rendition)
        case (.initSection, .initSection(let rendition, let term, let number)):
            feed.window.initSection(number, term: term, rendition: rendition).map { [$0] }
        default: nil
        }
    }
}

// MARK: - Viewers

extension StreamReplica {
    /// Notes a viewer. Returns whether it is new.
    public func note(_ viewer: UInt64, _ kind: ViewerSession.Kind, now: Duration) -> Bool {
        state.withLock { $0.viewers.note(viewer, kind, bytes: 0, now: now) }
    }

    /// Whether the viewer is known.
    public func knows(_ viewer: UInt64) -> Bool { state.withLock { $0.viewers.contains(viewer) } }

    /// Notes what a viewer was sent.
    public func sent(_ bytes: Int, to viewer: UInt64) { state.withLock { $0.viewers.add(bytes, to: viewer) } }

    /// Notes what viewers were sent.
    func sent(_ bytes: [ViewerBytes]) {
        state.withLock { state in
            for bytes in bytes { state.viewers.add(bytes.count, to: bytes.viewer) }
        }
    }

    /// A viewer's connection has closed. Returns whether it was known.
    public func forget(_ viewer: UInt64) -> Bool { state.withLock { $0.viewers.remove(viewer) } }

    /// Forgets viewers of playlists who asked for nothing for `life`. Returns how many.
    public func sweepViewers(now: Duration, life: Duration) -> Int {
        state.withLock { $0.viewers.sweep(now: now, life: life) }
    }

    /// Forgets all viewers, as the replica is no longer served. Returns how many there were.
    public func dismissViewers() -> Int { state.withLock { $0.viewers.removeAll() } }

    /// All viewer sessions, in no order.
    public var viewers: [ViewerSession] { state.withLock { Array($0.viewers.sessions.values) } }

    /// How many viewers there are.
    public var viewerCount: Int { state.withLock { $0.viewers.count } }
}
