// SPDX-License-Identifier: Apache-2.0

import Foundation
import Swarm
import Synchronization

/// Where all threads of a run write what they see, second by second, for a person who looks on.
final class HLSProgressBoard: Sendable {
    private let threads: Int
    private let isShown: Bool
    private let pending = Mutex<[Int: Entry]>([:])

    private struct Entry {
        var sum: HLSSample
        var posts = 0
    }

    init(threads: Int, isShown: Bool) {
        self.threads = threads
        self.isShown = isShown
    }

    /// Takes one thread's view of a second; when the last has told its own, the sum is written.
    func post(_ sample: HLSSample, number: Int, thread: Int) {
        guard isShown else { return }
        let whole = pending.withLock { pending -> HLSSample? in
            var entry = pending[number] ?? Entry(sum: sample)
            if entry.posts > 0 { entry.sum.merge(sample) }
            entry.posts += 1
            let isWhole = entry.posts == threads
            pending[number] = isWhole ? nil : entry
            return isWhole ? entry.sum : nil
        }
        guard let whole else { return }
        FileHandle.standardError.write(Data((Self.line(whole, number) + "\n").utf8))
    }

    private static func line(_ sample: HLSSample, _ second: Int) -> String {
        let latency = TimesReport(sample.latencies)
        return "\(second) s  \(sample.playing) playing, \(sample.joining) joining, \(sample.standing) standing  "
            + "\(sample.answers) answers/s, \(sample.bytes * 8 / 1_000_000) Mbit/s  "
            + "\(Int(latency.p50))/\(Int(latency.p95)) ms behind  \(sample.stalls) stalls, \(sample.moves) moves, "
            + "\(sample.faults) faults"
    }
}
