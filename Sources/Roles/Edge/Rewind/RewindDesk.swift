// SPDX-License-Identifier: Apache-2.0

import HLS
public import Identity
import Replica
import Synchronization
import Telemetry
import Transport

/// Knows what playlists that reach back list before the window, and has old media fetched: from its memory, else from the
/// archive, once for all who ask. Any thread may call.
///
/// What the store lists is read anew while viewers go back, before the newest that is known leaves the window: what is older
/// than the window is listed as the store lists it, by all edges alike.
public final class RewindDesk: Sendable {
    let settings: RewindSettings
    let archive: any MediaArchive
    let metrics: RewindMetrics
    let state: Mutex<RewindState>
    /// Whether a stream is kept at all. One that is not is played as it is everywhere.
    let keeps: @Sendable (StreamID) -> Bool

    /// A desk over an archive.
    /// - Parameter keeps: whether a stream is kept there.
    public init(
        settings: RewindSettings, archive: any MediaArchive, metrics: RewindMetrics,
        keeps: @escaping @Sendable (StreamID) -> Bool
    ) {
        self.keeps = keeps
        self.settings = settings
        self.archive = archive
        self.metrics = metrics
        state = Mutex(RewindState(media: ArchiveTable(limit: settings.memory)))
    }

    /// Forgets what nobody asks for any more, and streams that are gone: who takes one down must know when it is nowhere. Call
    /// about once a second.
    /// - Parameter isHeld: whether the node holds a stream.
    func sweep(now: Duration, isHeld: (StreamID) -> Bool) {
        let gone = state.withLock { Set($0.histories.keys.map(\.stream)) }.filter { !isHeld($0) }
        let (count, bytes) = state.withLock { state in
            state.expire(now: now)
            if !gone.isEmpty { state.forget(gone) }
            return (state.histories.count, state.media.bytes)
        }
        metrics.histories.set(count)
        metrics.memory.set(bytes)
    }

    /// How much of what the store lists is remembered: what playlists reach back to, also those of a moment ago.
    public static func reach(_ window: Duration) -> Duration { window + .seconds(120) }

    private var reach: Duration { Self.reach(settings.window) }
}

// MARK: - Playlists

extension RewindDesk {
    /// What a playlist says beyond its window, or what is to be waited for before that is known.
    enum View {
        /// This; others say the same where it is settled.
        case ready(Rewind, isSettled: Bool)
        case wait(Errand)
        /// The store has said nothing for so long that nobody waits for it: neither what it has nor that it fails.
        case unknown
    }

    /// What the playlist of `key` says.
    /// - Parameters:
    ///   - query: what other playlists are to be asked with.
    ///   - listener: is told when what is waited for has come.
    func view(
        of replica: StreamReplica, _ rendition: RenditionName, at key: PlaylistKey, query: String,
        telling listener: ErrandListener
    ) -> View {
        let id = RenditionID(stream: replica.id, rendition: rendition)
        let seen = state.withLock { $0.histories[id]?.history.numbers?.upperBound }
        guard let found = replica.beginning(of: key, seenThrough: seen), !found.beginning.isFirst else {
            return .ready(rewind(StreamHistory(), query), isSettled: true)
        }
        let (first, now) = (found.beginning.msn, SystemClock.now())
        let (view, begins) = state.withLock { state -> (View, Bool) in
            var known = state.histories[id] ?? KnownHistory(asked: now)
            known.asked = now
            if !found.news.isEmpty {
                known.history.see(found.news)
                known.history.trim(to: reach)
            }
            if known.mustLook(before: first, now: now) {
                state.keep(known, of: id)
                guard !known.isOverdue else { return (.unknown, false) }
                return (.wait(.history(id)), state.ask(.history(id), telling: listener))
            }
            let isSettled = known.settle(first)
            state.keep(known, of: id)
            let mayLook = (!key.isEnd || !isSettled) && known.mayLook(before: first, now: now)
            let begins = mayLook && state.ask(.history(id))
            return (.ready(rewind(known.history, query), isSettled: isSettled), begins)
        }
        if begins { look(id) }
        return view
    }

    private func rewind(_ history: StreamHistory, _ query: String) -> Rewind {
        Rewind(reach: settings.window, history: history, base: settings.base, query: query)
    }

    /// Asks the archive what it lists. Nobody waits for it for long; nor is anything said before it answers or fails, as a
    /// playlist that begins late is a promise to begin no earlier.
    func look(_ id: RenditionID) {
        Task { [self] in
            let result = await listed(id)
            finish(id, isOver: true) { known in
                known.looked = SystemClock.now()
                known.isOverdue = false
                switch result {
                case .success(let playlists):
                    known.history.learn(playlists, reach: reach)
                    known.outcome = playlists.isEmpty ? .nothing : .found
                case .failure: known.outcome = .failed
                }
                metrics.looked(known.outcome ?? .failed)
            }
        }
        Task { [self] in
            try? await Task.sleep(for: Self.patience)
            finish(id, isOver: false) { $0.isOverdue = true }
        }
    }

    private func finish(_ id: RenditionID, isOver: Bool, _ change: (inout KnownHistory) -> Void) {
        let listeners = state.withLock { state -> [ErrandListener] in
            guard isOver || state.isUnderWay(.history(id)) else { return [] }
            var known = state.histories[id] ?? KnownHistory(asked: SystemClock.now())
            change(&known)
            state.keep(known, of: id)
            return state.takeListeners(of: .history(id), isOver: isOver)
        }
        for listener in listeners { listener.tell(.history(id), nil) }
    }

    private func listed(_ id: RenditionID) async -> Result<[StoredPlaylist], ArchiveFailure> {
        do throws(ArchiveFailure) {
            return .success(try await archive.playlists(of: id.stream, id.rendition, reach: reach))
        } catch {
            return .failure(error)
        }
    }

    /// Three target durations of two seconds.
    private static let patience: Duration = .seconds(6)
}
