// SPDX-License-Identifier: Apache-2.0

import Foundation
import Swarm
import Synchronization

/// Where the threads of a run put how it goes, and who says it.
final class WHEPProgressBoard: Sendable {
    /// How often it is said.
    static let interval: Duration = .seconds(1)
    private let state = Mutex(State())

    private struct State {
        var newest: [Int: WHEPProgress] = [:]
        var said = WHEPProgress(WHEPTally(), present: 0, time: .zero)
    }

    /// Takes in how a thread's viewers are; the first thread says it for all.
    func note(_ progress: WHEPProgress, thread: Int) {
        let line = state.withLock { state -> String? in
            state.newest[thread] = progress
            guard thread == 0 else { return nil }
            let others = state.newest.filter { $0.key != 0 }.values
            let all = others.reduce(into: progress) { $0.merge($1) }
            defer { state.said = all }
            return all.line(since: state.said)
        }
        if let line { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
    }
}
