// SPDX-License-Identifier: Apache-2.0

import Datagrams
import Synchronization

/// The threads of the UDP port, each with its loop.
final class ThreadGroup: Sendable {
    private let threads = Mutex<[DatagramThread<RealTimeLoop>]>([])

    /// Takes a thread in, as the next number.
    func append(_ thread: DatagramThread<RealTimeLoop>) { threads.withLock { $0.append(thread) } }

    /// The port that is bound; 0 where none is.
    var port: Int { threads.withLock { Int($0.first?.port ?? 0) } }

    /// Has a thread do something soon. After the end nothing is done, nor where too much waits.
    @discardableResult
    func submit(to thread: Int, _ work: @escaping @Sendable (RealTimeLoop, Duration) -> Void) -> Bool {
        let found = threads.withLock { thread < $0.count ? $0[thread] : nil }
        return found?.submit(work) ?? false
    }

    /// Has each thread do something soon.
    func submitToAll(_ work: @escaping @Sendable (RealTimeLoop, Duration) -> Void) {
        for thread in threads.withLock({ $0 }) { thread.submit(work) }
    }

    /// Ends all threads.
    func stop() {
        let ended = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in ended { thread.stop() }
    }
}
