// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Runs `body` once on each of so many threads, with its number from 0, and returns what came of it. The threads are their
/// own: a queue runs no more at a time than there are processors, and the others' viewers would come when all is over.
func onThreads<Answer: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Answer) -> [Answer] {
    let answers = Collected<Answer>()
    let running = DispatchGroup()
    for number in 0..<count {
        running.enter()
        Thread {
            answers.append(body(number))
            running.leave()
        }.start()
    }
    running.wait()
    return answers.all
}

/// What all threads said.
private final class Collected<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    var all: [Value] { values.withLock { $0 } }

    func append(_ value: Value) { values.withLock { $0.append(value) } }
}
