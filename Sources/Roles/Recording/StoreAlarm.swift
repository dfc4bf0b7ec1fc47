// SPDX-License-Identifier: Apache-2.0

public import Logging
import Objects
import Synchronization

/// Tells the operator once that the object store does not take what it should, however many streams that are, and once that
/// it does again.
public final class StoreAlarm: Sendable {
    private let log: Logger
    private let state = Mutex(State())

    private struct State {
        var streams = 0
        var reason: String?
    }

    /// An alarm that is quiet.
    public init(log: Logger) { self.log = log }

    /// Why streams wait for the store, in a word; nil where none does.
    public var reason: String? { state.withLock { $0.streams > 0 ? $0.reason ?? "no answer" : nil } }

    /// A stream waits for the store; `failure` is what the store said last.
    func raise(_ failure: StoreFailure?) {
        let isFirst = state.withLock { state in
            state.streams += 1
            state.reason = failure.map { "\($0)" } ?? state.reason
            return state.streams == 1
        }
        guard isFirst else { return }
        log.error(
            "the object store does not take uploads; they wait, and viewers feel nothing",
            metadata: ["failure": "\(failure.map { "\($0)" } ?? "no answer")"])
    }

    /// A stream waits no longer.
    func lower() {
        let isLast = state.withLock { state in
            state.streams -= 1
            if state.streams == 0 { state.reason = nil }
            return state.streams == 0
        }
        if isLast { log.notice("the object store takes uploads again") }
    }
}
