// SPDX-License-Identifier: Apache-2.0

import Control
import Identity
import Media
import Objects
import Recording

/// The recordings of a store as the control API sees them.
struct StoreDesk: RecordingDesk {
    let catalogue: RecordingCatalogue
    let kit: RecordingKit
    /// Where players find the store's keys (`dvr.url`); nil where that is not known.
    let base: String?
    let isLive: @Sendable (StreamID) -> Bool

    func recordings(
        of stream: StreamID?, after mark: String?, limit: Int
    ) async throws(RecordingTrouble) -> RecordingList {
        let page = try await told { () throws(StoreFailure) in
            try await catalogue.page(of: stream, after: mark, limit: limit)
        }
        return RecordingList(recordings: page.recordings.map(answer), next: page.next)
    }

    func recording(_ id: String) async throws(RecordingTrouble) -> RecordingAnswer? {
        guard let name = RecordingName(parsing: id) else { return nil }
        return try await told { () throws(StoreFailure) in try await catalogue.status(of: name) }.map(answer)
    }

    func delete(_ id: String) async throws(RecordingTrouble) -> Bool {
        guard let name = RecordingName(parsing: id) else { return false }
        let isLive = isLive(name.stream)
        let status: RecordingStatus?
        do throws(StoreFailure) {
            status = try await catalogue.status(of: name)
        } catch .malformed {
            // What can not be read can be deleted.
            status = nil
        } catch {
            throw .store("\(error)")
        }
        if let status, state(of: status) == .recording { throw .beingWritten }
        do throws(StoreFailure) {
            guard try await catalogue.delete(name, isLive: isLive) else { return false }
        } catch .malformed where isLive {
            throw .beingWritten
        } catch {
            throw .store("\(error)")
        }
        kit.noteRemoval(of: name)
        return true
    }

    private func state(of status: RecordingStatus) -> RecordingAnswer.State {
        status.isWhole ? .finished : isLive(status.name.stream) ? .recording : .unfinished
    }

    private func answer(_ status: RecordingStatus) -> RecordingAnswer {
        RecordingAnswer(
            id: status.name.description, stream: status.name.stream, state: state(of: status),
            startedAt: status.startedAt.description, endsAt: status.endsAt.description,
            durationSeconds: Double(status.duration.ticks(.milliseconds)) / 1000, segments: status.segments,
            gaps: status.gaps, renditions: status.renditions.map(\.description), playlist: status.name.playlistKey,
            base: base)
    }

    private func told<Value: Sendable>(
        _ ask: () async throws(StoreFailure) -> Value
    ) async throws(RecordingTrouble) -> Value {
        do throws(StoreFailure) {
            return try await ask()
        } catch {
            throw .store("\(error)")
        }
    }
}
