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
        let status = try await told { () throws(StoreFailure) in try await catalogue.status(of: name) }
        if let status, state(of: status) == .recording { throw .beingWritten }
        let wasThere = try await told { () throws(StoreFailure) in try await catalogue.delete(name) }
        if wasThere { kit.noteRemoval(of: name) }
        return wasThere
    }

    private func state(of status: RecordingStatus) -> RecordingAnswer.State {
        status.isWhole ? .finished : isLive(status.name.stream) ? .recording : .unfinished
    }

    private func answer(_ status: RecordingStatus) -> RecordingAnswer {
        RecordingAnswer(
            id: status.name.description, stream: status.name.stream, state: state(of: status),
            startedAt: status.startedAt.description, endsAt: status.endsAt.description,
            durationSeconds: Double(status.duration.ticks(.milliseconds)) / 1000, segments: status.segments,
            gaps: status.gaps, renditions: status.renditions.map(\.description), playlist: status.name.playlistKey)
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
