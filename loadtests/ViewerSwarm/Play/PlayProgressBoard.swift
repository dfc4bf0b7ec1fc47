// SPDX-License-Identifier: Apache-2.0

import Foundation
import Swarm
import Synchronization

/// Where the threads of a run put how it goes, and who says it.
final class PlayProgressBoard: Sendable {
    /// How often it is said.
    static let interval: Duration = .seconds(1)
    private let isShown: Bool
    private let state = Mutex(State())

    private struct State {
        var seconds: [PlaySecond] = []
        var newest: [Int: PlayProgress] = [:]
        var said = PlayProgress(PlayTally(), present: 0, time: .zero)
    }

    /// A board that says each second on standard error, or only keeps it.
    init(isShown: Bool) { self.isShown = isShown }

    /// What was said so far, second by second.
    var seconds: [PlaySecond] { state.withLock { $0.seconds } }

    /// Takes in how a thread's viewers are; the first thread says it for all.
    func note(_ progress: PlayProgress, thread: Int) {
        let line = state.withLock { state -> String? in
            state.newest[thread] = progress
            guard thread == 0 else { return nil }
            let others = state.newest.filter { $0.key != 0 }.values
            let all = others.reduce(into: progress) { $0.merge($1) }
            defer { state.said = all }
            state.seconds.append(all.second(since: state.said))
            return isShown ? all.line(since: state.said) : nil
        }
        if let line { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
    }
}
