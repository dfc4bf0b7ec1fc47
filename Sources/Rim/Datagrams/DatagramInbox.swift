// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc
import Synchronization

/// Calls that wait for a thread, in order. Whoever puts the first one in wakes it: one write to an eventfd a batch.
final class DatagramInbox<Handler: DatagramHandler>: Sendable {
    typealias Work = @Sendable (Handler, Duration) -> Void

    /// Readable while something waits.
    let descriptor: Int32
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var works: [Work] = []
        var isStopping = false
    }

    init(limit: Int) throws(DatagramFailure) {
        self.limit = limit
        descriptor = eventfd(0, Int32(MILLRACE_EFD_CLOEXEC | MILLRACE_EFD_NONBLOCK))
        guard descriptor >= 0 else { throw DatagramFailure(step: "eventfd", code: errno) }
    }

    deinit { close(descriptor) }

    /// False, and nothing done, where the inbox is full or its thread ends.
    func put(_ work: @escaping Work) -> Bool {
        let outcome = state.withLock { state -> (taken: Bool, isFirst: Bool) in
            guard !state.isStopping, state.works.count < limit else { return (false, false) }
            state.works.append(work)
            return (true, state.works.count == 1)
        }
        if outcome.isFirst { wake() }
        return outcome.taken
    }

    /// Takes no more; the thread ends when it has done what waits.
    func stop() {
        state.withLock { $0.isStopping = true }
        wake()
    }

    /// What waits, into an empty array whose room is used in turn; false once nothing will come any more.
    func take(into works: inout [Work]) -> Bool {
        var count: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &count) { read(descriptor, $0.baseAddress, $0.count) }
        return state.withLock { state in
            swap(&state.works, &works)
            return !state.isStopping
        }
    }

    private func wake() {
        _ = withUnsafeBytes(of: UInt64(1)) { write(descriptor, $0.baseAddress, $0.count) }
    }
}
