// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The end of something, for which others wait.
final class Ending: Sendable {
    private let state = Mutex(State())

    private struct State {
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// It is over: who waits goes on. Said any number of times.
    func come() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for each in waiting { each.resume() }
    }

    /// Returns when it is over.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiting.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
    }
}
