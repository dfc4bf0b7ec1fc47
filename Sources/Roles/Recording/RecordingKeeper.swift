// SPDX-License-Identifier: Apache-2.0

public import Identity
import Logging
import Media
import Objects

/// Looks after a store's recordings: those that nobody goes on with are ended, those that are old are deleted, and what was
/// left of a deletion is removed. Any number of nodes may do so.
public struct RecordingKeeper: Sendable {
    private let catalogue: RecordingCatalogue
    private let kit: RecordingKit
    private let isLive: @Sendable (StreamID) -> Bool

    /// A keeper.
    /// - Parameter isLive: whether a stream is live anywhere.
    public init(
        _ catalogue: RecordingCatalogue, kit: RecordingKit, isLive: @escaping @Sendable (StreamID) -> Bool
    ) {
        self.catalogue = catalogue
        self.kit = kit
        self.isLive = isLive
    }

    /// Looks at all recordings every minute, until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            // Nodes that were started together do not all come at once.
            try? await Task.sleep(for: Self.interval * Double.random(in: 0.75...1.25))
            guard !Task.isCancelled else { return }
            do {
                try await sweep()
            } catch {
                kit.log.debug("recordings not looked at", metadata: ["failure": "\(error)"])
            }
        }
    }

    /// Looks at all recordings once.
    public func sweep() async throws {
        var mark: String?
        repeat {
            let page = try await catalogue.page(after: mark)
            for recording in page.recordings where !Task.isCancelled {
                await tend(recording.name) { try await look(at: recording) }
            }
            for name in page.removals { await tend(name) { _ = try await catalogue.delete(name) } }
            mark = page.next
        } while mark != nil
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
        guard let kept = kit.settings.retention(of: recording.name.stream.app), age > kept else { return }
        try await catalogue.delete(recording.name)
        kit.metrics.removed()
        kit.log.info("recording deleted by age", metadata: ["recording": "\(recording.name)"])
    }

    private static let interval: Duration = .seconds(60)
}
