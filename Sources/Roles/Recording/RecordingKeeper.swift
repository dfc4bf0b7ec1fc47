// SPDX-License-Identifier: Apache-2.0

public import Identity
import Logging
import Media
import Objects
import Synchronization

/// Looks after a store's recordings: those that nobody goes on with are ended, those that are old are deleted, and what was
/// left of a deletion is removed.
///
/// One node of a cluster does so; more than one, where they do not agree yet who it is, do no harm. The work of a minute is
/// bounded, however much the store holds: a page is looked at, then there is a pause, and of what a page lists only that is
/// read which may have to be ended or deleted and is not known yet. A deletion that has to wait is gone on with when what it
/// waits for may have come.
public final class RecordingKeeper: Sendable {
    private let catalogue: RecordingCatalogue
    private let kit: RecordingKit
    private let isLive: @Sendable (StreamID) -> Bool
    private let waiting = Mutex<[RecordingName: Delay]>([:])

    /// A deletion that was not whole yet.
    private struct Delay {
        /// When it was seen first, by civil time.
        let since: WallTime
        /// How it was when it was tried last; nil where that failed.
        var tried: Circumstances?
    }

    /// What a deletion may have to wait for.
    private struct Circumstances: Equatable {
        let isLive: Bool
        let isAbandoned: Bool
        /// The stream's newest recording, where that is a later one.
        let newest: UInt64?
    }

    /// A keeper.
    /// - Parameter isLive: whether a stream is live anywhere.
    public init(
        _ catalogue: RecordingCatalogue, kit: RecordingKit, isLive: @escaping @Sendable (StreamID) -> Bool
    ) {
        self.catalogue = catalogue
        self.kit = kit
        self.isLive = isLive
    }

    /// Looks at all recordings again and again, every minute at most, until the task is cancelled.
    /// - Parameter isTurn: whether this node is who does it now.
    public func run(isTurn: @escaping @Sendable () -> Bool) async {
        while !Task.isCancelled {
            // Nodes that were started together do not all come at once.
            try? await Task.sleep(for: Self.interval * Double.random(in: 0.75...1.25))
            guard !Task.isCancelled else { return }
            guard isTurn() else { continue }
            do {
                try await sweep(pause: Self.pause)
            } catch {
                kit.log.debug("recordings not looked at", metadata: ["failure": "\(error)"])
            }
        }
    }

    /// Looks at all recordings once.
    /// - Parameter pause: between two pages of a thousand.
    public func sweep(pause: Duration = .zero) async throws {
        var mark: String?
        var newest: [StreamID: UInt64] = [:]
        var removals: [RecordingName] = []
        repeat {
            let names = try await catalogue.names(after: mark, limit: 1000)
            for recording in try await catalogue.statuses(of: worthReading(names.recordings))
            where !Task.isCancelled {
                await tend(recording.name) { try await look(at: recording) }
            }
            newest.merge(Self.newest(of: names.recordings)) { max($0, $1) }
            removals += names.removals
            mark = names.next
            if mark != nil { try await Task.sleep(for: pause) }
        } while mark != nil
        for name in removals where !Task.isCancelled {
            await goOn(with: name, newest: newest[name.stream].flatMap { $0 > name.number ? $0 : nil })
        }
        waiting.withLock { [removals = Set(removals)] waiting in
            waiting = waiting.filter { removals.contains($0.key) }
        }
    }

    /// Goes on with a deletion, unless nothing has changed for it: it waits for the stream's next recording, for the stream's
    /// end, or until nobody can have more of what was not ended.
    private func goOn(with name: RecordingName, newest: UInt64?) async {
        let now = kit.now()
        let delay = waiting.withLock { $0[name] } ?? Delay(since: now)
        let age = Duration.milliseconds(now.milliseconds - delay.since.milliseconds)
        let circumstances = Circumstances(
            isLive: isLive(name.stream), isAbandoned: age > RecorderTable.longestEnding, newest: newest)
        guard delay.tried != circumstances else { return }
        waiting.withLock { $0[name] = Delay(since: delay.since) }
        await tend(name) {
            try await catalogue.delete(
                name, isLive: circumstances.isLive, isAbandoned: circumstances.isAbandoned)
            waiting.withLock { $0[name]?.tried = circumstances }
        }
    }

    /// A stream's newest recording may have to be ended, and those that are not kept for ever may have to go.
    private func worthReading(_ names: [RecordingName]) -> [RecordingName] {
        let newest = Self.newest(of: names)
        return names.filter { name in
            newest[name.stream] == name.number || kit.settings.retention(of: name.stream.app) != nil
        }
    }

    private static func newest(of names: [RecordingName]) -> [StreamID: UInt64] {
        names.reduce(into: [:]) { $0[$1.stream] = max($0[$1.stream] ?? 0, $1.number) }
    }

    /// One recording that can not be ended or deleted keeps nobody from the others.
    private func tend(_ name: RecordingName, _ work: () async throws -> Void) async {
        do {
            try await work()
        } catch {
            kit.log.warning(
                "a recording can not be ended or deleted", metadata: ["recording": "\(name)", "failure": "\(error)"])
        }
    }

    private func look(at recording: RecordingStatus) async throws {
        let age = Duration.milliseconds(kit.now().milliseconds - recording.endsAt.milliseconds)
        if !recording.isWhole {
            // While it may still be gone on with, and while somebody writes it, it stays open.
            guard age > max(kit.settings.resumption, Self.interval), !isLive(recording.name.stream) else { return }
            try await catalogue.finish(recording.name)
            kit.log.notice("a recording that was left open is ended", metadata: ["recording": "\(recording.name)"])
        }
        // What viewers of a stream that is live can go back to stays.
        let isLive = isLive(recording.name.stream)
        guard let kept = kit.settings.retention(of: recording.name.stream.app),
            age > max(kept, isLive ? kit.settings.reach : .zero)
        else { return }
        try await catalogue.delete(recording.name, isLive: isLive)
        kit.metrics.removed()
        kit.log.info("recording deleted by age", metadata: ["recording": "\(recording.name)"])
    }

    private static let interval: Duration = .seconds(60)
    private static let pause: Duration = .seconds(2)
}
