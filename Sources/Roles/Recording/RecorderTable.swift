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
        /// Those whose stream began anew before all was written; the oldest first.
        var endings: [StreamID: [Entry]] = [:]
        /// The terms in which the store has refused streams.
        var refused: [StreamID: Term] = [:]

        func all(of stream: StreamID) -> [Entry] {
            endings[stream, default: []] + [entries[stream]].compactMap { $0 }
        }

        mutating func remove(of stream: StreamID, _ isIt: (Entry) -> Bool) -> Entry? {
            if let entry = entries[stream], isIt(entry) { return entries.removeValue(forKey: stream) }
            guard let index = endings[stream]?.firstIndex(where: isIt) else { return nil }
            let entry = endings[stream]?.remove(at: index)
            if endings[stream]?.isEmpty == true { endings[stream] = nil }
            return entry
        }
    }

    private struct Entry {
        var term: Term
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
    public var streams: Set<StreamID> { state.withLock { Set($0.entries.keys).union($0.endings.keys) } }

    /// Whether a stream is being written in a term.
    public func records(_ stream: StreamID, in term: Term) -> Bool {
        state.withLock { $0.entries[stream]?.term == term }
    }

    /// Records what `replica` holds and this node appends in `term`, if its app is recorded. Where this node recorded the same
    /// replica in a lower term, its recorder goes on; one of an earlier life of the stream writes to its end first, beside
    /// the new one. In a term in which the store has refused the stream, it is not recorded again.
    public func record(_ stream: StreamID, in term: Term, from replica: StreamReplica) {
        guard kit.settings.records(stream.app) else { return }
        let change = state.withLock { state -> Change? in
            let former = state.entries[stream]
            if let former, former.term >= term { return nil }
            if let refused = state.refused[stream], refused >= term { return nil }
            state.refused[stream] = nil
            if let former, former.replica === replica {
                state.entries[stream]?.term = term
                return .raise(former.recorder)
            }
            let recorder = StreamRecorder(
                stream, term: term, replica: replica, after: former?.recorder.ending, kit: kit
            ) { [weak self] term, news in self?.heard(news, of: stream, in: term, from: replica) }
            state.entries[stream] = Entry(term: term, replica: replica, recorder: recorder)
            if let former { state.endings[stream, default: []].append(former) }
            let isTooMany = state.endings[stream, default: []].count > Self.mostEndings
            return .begin(
                recorder, concluding: former?.recorder, stopping: isTooMany ? state.endings[stream]?.first : nil)
        }
        switch change {
        case nil: return
        case .raise(let recorder): Task { await recorder.raise(to: term) }
        case .begin(let recorder, let former, let oldest):
            kit.metrics.recorders(by: 1)
            if let oldest { stop(oldest, of: stream) }
            if let former { conclude(former) }
            Task { await recorder.run() }
        }
    }

    /// Somebody else has the stream: it is not written here any more. What it was in earlier lives still is.
    public func stop(_ stream: StreamID) {
        guard let entry = state.withLock({ $0.entries[stream] }) else { return }
        stop(entry, of: stream)
    }

    /// The store has a higher term of a stream, and this node can not take one above that.
    public func refuse(_ stream: StreamID, in term: Term) {
        let entry = state.withLock { state in
            state.refused[stream] = max(state.refused[stream] ?? term, term)
            return state.all(of: stream).first { $0.term == term }
        }
        if let entry { stop(entry, of: stream) }
    }

    /// Waits until the streams that have ended are written whole, at most as long as `time`.
    public func drain(within time: Duration) async {
        let deadline = ContinuousClock.now + time
        while isEnding, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        for stream in streams {
            for entry in state.withLock({ $0.all(of: stream) }) { stop(entry, of: stream) }
        }
    }

    private enum Change {
        case raise(StreamRecorder)
        case begin(StreamRecorder, concluding: StreamRecorder?, stopping: Entry?)
    }

    /// What a stream was before it began anew is written to its end, but not for ever.
    private func conclude(_ recorder: StreamRecorder) {
        Task { await recorder.conclude() }
        Task { [weak recorder] in
            try? await Task.sleep(for: Self.longestEnding)
            await recorder?.stop()
        }
    }

    private func stop(_ entry: Entry, of stream: StreamID) {
        guard remove(of: stream, { $0.recorder === entry.recorder }) != nil else { return }
        Task { await entry.recorder.stop() }
    }

    private func remove(of stream: StreamID, _ isIt: (Entry) -> Bool) -> Entry? {
        let entry = state.withLock { $0.remove(of: stream, isIt) }
        if entry != nil { kit.metrics.recorders(by: -1) }
        return entry
    }

    /// Whether a stream has ended and its recording has not.
    private var isEnding: Bool {
        state.withLock { !$0.endings.isEmpty || $0.entries.values.contains { $0.replica.isOver } }
    }

    private func heard(_ news: UploadNews, of stream: StreamID, in term: Term, from replica: StreamReplica) {
        if case .done = news, remove(of: stream, { $0.replica === replica }) == nil { return }
        tell(stream, term, news)
    }

    /// How many earlier lives of a stream are still written at one time: each holds as much as an upload may.
    private static let mostEndings = 2
    /// How long what a stream was is still written.
    static let longestEnding: Duration = .seconds(3600)
}
