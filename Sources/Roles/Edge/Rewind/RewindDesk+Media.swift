// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Media
import NIOCore
import Replica
import Synchronization
import Transport
import WebServer

/// Old media.
extension RewindDesk {
    /// What becomes of a request for media that is not in the window.
    enum MediaView {
        case answer(MediaAnswer)
        case wait(Errand)
        /// Nobody has it.
        case absent
        /// The archive is asked for too much already.
        case busy
    }

    /// What a request for a segment or init section comes to. Only what the store lists is asked for there; what it lists is
    /// asked at most every two seconds for names that it may have begun to list. What is of a stream that is gone is not
    /// given: else a CDN would fetch anew what it was told to forget.
    /// - Parameters:
    ///   - replica: the stream's.
    ///   - hasLooked: whether the request has waited for what the store lists.
    func media(
        _ resource: MediaResource, of replica: StreamReplica, hasLooked: Bool, telling listener: ErrandListener
    ) -> MediaView {
        guard keeps(replica.id), let media = ArchivedMedia(resource, of: replica.id) else { return .absent }
        let tracks = replica.parameters?.tracks ?? []
        let mayLook = !hasLooked && tracks.contains { $0.rendition == media.id.rendition }
        let (view, begins) = state.withLock { state in
            Self.view(of: media, mayLook: mayLook, telling: listener, now: SystemClock.now(), &state)
        }
        switch view {
        case .absent: metrics.gave(.absent)
        case .answer: metrics.gave(.memory)
        case .busy: metrics.gave(.busy)
        case .wait(.history(let id)): if begins { look(id) }
        case .wait(.media): if begins { fetch(media, type: resource.contentType(tracks: tracks)) }
        }
        return view
    }

    private static func view(
        of media: ArchivedMedia, mayLook: Bool, telling listener: ErrandListener, now: Duration,
        _ state: inout RewindState
    ) -> (MediaView, begins: Bool) {
        let known = state.histories[media.id]
        if let known, media.isListed(in: known.history) {
            state.note(media.id, now: now)
            if let answer = state.media.take(media.path) { return (.answer(answer), false) }
            let errand = Errand.media(media.path)
            guard state.errands < mostErrands || state.isUnderWay(errand) else { return (.busy, false) }
            return (.wait(errand), state.ask(errand, telling: listener))
        }
        // What this edge has not heard of others may have listed, while nobody went back here.
        let isForeign = known.map { media.isForeign(to: $0.history) } ?? false
        guard mayLook, !isForeign, known?.isRested(now) ?? true || state.isUnderWay(.history(media.id)) else {
            return (.absent, false)
        }
        state.keep(known ?? KnownHistory(asked: now), of: media.id)
        return (.wait(.history(media.id)), state.ask(.history(media.id), telling: listener))
    }

    /// Asks the archive for media.
    private func fetch(_ media: ArchivedMedia, type: String) {
        Task { [self] in
            let answer = await answer(media, type: type)
            let listeners = state.withLock { state in
                // The stream may be gone by now.
                let isListed = state.histories[media.id].map { media.isListed(in: $0.history) } ?? false
                if isListed, answer.head.status == 200 { state.media.insert(answer, under: media.path) }
                return state.takeListeners(of: .media(media.path), isOver: true)
            }
            for listener in listeners { listener.tell(.media(media.path), answer) }
        }
    }

    private func answer(_ media: ArchivedMedia, type: String) async -> MediaAnswer {
        do throws(ArchiveFailure) {
            if let found = try await archive.media(media.path) {
                metrics.gave(found.isFromDisk ? .disk : .store)
                let head = media.head(type, isTagged: settings.tagsAnswers)
                return MediaAnswer(head, body: [ByteBuffer(bytes: found.bytes)])
            }
            // What is seen here and not stored yet may come.
            let isStored = state.withLock { media.isStored(by: $0.histories[media.id]?.history) }
            metrics.gave(isStored ? .missing : .failed)
            return Refusals.of(isStored ? .notFound : .unavailable)
        } catch {
            metrics.gave(.failed)
            return Refusals.of(.unavailable)
        }
    }

    /// How many requests to the archive are under way at a time.
    private static let mostErrands = 64
}
