// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Replica
import Synchronization

/// The recorders of a node: one for each stream that it is the gateway of and that is recorded.
public final class RecorderTable: Sendable {
    private let kit: RecordingKit
    private let tell: @Sendable (StreamID, Term, UploadNews) -> Void
    private let state = Mutex(State())

    private struct State {
        var entries: [StreamID: Entry] = [:]
        /// The terms in which the store has refused streams.
        var refused: [StreamID: Term] = [:]
    }

    private struct Entry {
        let term: Term
        let replica: StreamReplica
        let recorder: StreamRecorder
    }

    /// An empty table.
    /// - Parameter tell: is told the news of each stream and the term in which it is written, on any thread.
    public init(_ kit: RecordingKit, tell: @escaping @Sendable (StreamID, Term, UploadNews) -> Void) {
        self.kit = kit
        self.tell = tell
    }

    /// The streams that are being written.
    public var streams: Set<StreamID> { state.withLock { Set($0.entries.keys) } }

    /// Whether a stream is being written in a term.
    public func records(_ stream: StreamID, in term: Term) -> Bool {
        state.withLock { $0.entries[stream]?.term == term }
    }

    /// Records what `replica` holds and this node appends in `term`, if its app is recorded. A recorder of an older term ends.
    /// In a term in which the store has refused the stream, it is not recorded again.
    public func record(_ stream: StreamID, in term: Term, from replica: StreamReplica) {
        guard kit.settings.records(stream.app) else { return }
        let (former, recorder) = state.withLock { state -> (StreamRecorder?, StreamRecorder?) in
            let former = state.entries[stream]
            if let former, former.term >= term { return (nil, nil) }
            if let refused = state.refused[stream], refused >= term { return (nil, nil) }
            state.refused[stream] = nil
            let recorder = StreamRecorder(stream, term: term, replica: replica, kit: kit) { [weak self] news in
                self?.heard(news, of: stream, in: term)
            }
            state.entries[stream] = Entry(term: term, replica: replica, recorder: recorder)
            return (former?.recorder, recorder)
        }
        guard let recorder else { return }
        if former == nil { kit.metrics.recorders(by: 1) }
        Task {
            await former?.stop()
            await recorder.run()
        }
    }

    /// Somebody else has the stream: it is not written here any more.
    public func stop(_ stream: StreamID) {
        guard let entry = state.withLock({ $0.entries.removeValue(forKey: stream) }) else { return }
        kit.metrics.recorders(by: -1)
        Task { await entry.recorder.stop() }
    }

    /// Waits until the streams that have ended are written whole, at most as long as `time`.
    public func drain(within time: Duration) async {
        let deadline = ContinuousClock.now + time
        while isEnding, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        for stream in streams { stop(stream) }
    }

    /// Whether a stream has ended and its recording has not.
    private var isEnding: Bool { state.withLock { $0.entries.values.contains { $0.replica.isOver } } }

    private func heard(_ news: UploadNews, of stream: StreamID, in term: Term) {
        if case .stored = news { return tell(stream, term, news) }
        let wasHere = state.withLock { state in
            guard state.entries[stream]?.term == term else { return false }
            state.entries[stream] = nil
            if case .fenced = news { state.refused[stream] = term }
            return true
        }
        guard wasHere else { return }
        kit.metrics.recorders(by: -1)
        tell(stream, term, news)
    }
}
