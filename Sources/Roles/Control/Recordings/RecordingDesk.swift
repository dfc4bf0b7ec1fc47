// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What the control API asks of a store of recordings.
public protocol RecordingDesk: Sendable {
    /// A page of recordings, of one stream or of all.
    func recordings(of stream: StreamID?, after mark: String?, limit: Int) async throws(RecordingTrouble)
        -> RecordingList
    /// One recording; nil where there is none.
    func recording(_ id: String) async throws(RecordingTrouble) -> RecordingAnswer?
    /// Deletes a recording. Returns whether there was one.
    func delete(_ id: String) async throws(RecordingTrouble) -> Bool
}

/// Why a store of recordings gives no answer.
public enum RecordingTrouble: Error, Hashable, Sendable {
    /// The recording is still being written.
    case beingWritten
    /// The store failed; carries what it said.
    case store(String)
}

/// A page of recordings, as the API gives it.
public struct RecordingList: Encodable, Sendable {
    let recordings: [RecordingAnswer]
    let total: Int
    let next: String?

    /// A page; `next` is where the one after it begins.
    public init(recordings: [RecordingAnswer], next: String?) {
        self.recordings = recordings
        total = recordings.count
        self.next = next
    }
}

/// A recording, as the API gives it.
public struct RecordingAnswer: Encodable, Sendable {
    /// What a recording is.
    public enum State: String, Encodable, Sendable {
        /// Its stream is live.
        case recording
        /// Nothing will follow.
        case finished
        /// Nobody writes it, and nobody has ended it yet.
        case unfinished
    }

    let id: String
    let streamKey: String
    let state: State
    let startedAt: String
    let endsAt: String
    let durationSeconds: Double
    let segments: Int
    let gaps: Int
    let renditions: [String]
    let playlist: String
    let url: String?

    /// A recording of its parts.
    /// - Parameters:
    ///   - id: `app/name/number`.
    ///   - playlist: the key of its multivariant playlist in the store.
    ///   - base: the URL behind which players find the store's keys; nil where none is known.
    public init(
        id: String, stream: StreamID, state: State, startedAt: String, endsAt: String, durationSeconds: Double,
        segments: Int, gaps: Int, renditions: [String], playlist: String, base: String? = nil
    ) {
        self.id = id
        streamKey = stream.apiKey
        self.state = state
        self.startedAt = startedAt
        self.endsAt = endsAt
        self.durationSeconds = durationSeconds
        self.segments = segments
        self.gaps = gaps
        self.renditions = renditions
        self.playlist = playlist
        url = base.map { "\($0)/\(playlist)" }
    }
}
