// SPDX-License-Identifier: Apache-2.0

import Feed
import Media
import Synchronization

/// What a subscription gets when it reads on.
enum LogRead {
    /// There is nothing new; the mailbox will be posted.
    case level
    /// There is nothing new and nothing will come.
    case over
    /// Records from `first` on. `skipped`: some before them were passed over. `parameters`: those in force at `first`.
    /// `isLevel`: there is nothing new after them; the mailbox will be posted.
    case records(first: UInt64, skipped: Bool, parameters: Parameters?, isLevel: Bool)
}

extension StreamReplica {
    /// Copies up to a batch of records from number `from` on, or from the newest random access point where `from` is
    /// nil, gone, or further behind than `maximumLag`.
    func read(
        from: UInt64?, maximumLag: Duration, into batch: inout [FeedRecord], wake mailbox: LoopMailbox
    ) -> LogRead {
        state.withLock { state in
            let start = state.log.start(from: from, maximumLag: maximumLag)
            guard let start, start.number < state.log.endNumber else {
                guard !state.isOver else { return .over }
                state.wish(.records, mailbox)
                return .level
            }
            let end = min(state.log.endNumber, start.number + Self.batchSize)
            for number in start.number..<end {
                if let record = state.log[number: number] { batch.append(record) }
            }
            let isLevel = end == state.log.endNumber && !state.isOver
            if isLevel { state.wish(.records, mailbox) }
            return .records(
                first: start.number, skipped: start.skipped, parameters: start.parameters, isLevel: isLevel)
        }
    }

    private static let batchSize: UInt64 = 64
}

extension FeedLog {
    /// Where a subscription that wants record `from` reads on.
    fileprivate func start(
        from: UInt64?, maximumLag: Duration
    ) -> (number: UInt64, skipped: Bool, parameters: Parameters?)? {
        guard let from else { return entry.map { ($0.number, false, $0.parameters) } }
        let isGone = from < firstNumber
        guard isGone || lag(of: from) > maximumLag, let entry, entry.number > from else {
            return isGone ? nil : (from, false, nil)
        }
        return (entry.number, true, entry.parameters)
    }

    /// How far the unit at or soon after `number` is behind the newest, in media time.
    private func lag(of number: UInt64) -> Duration {
        guard endNumber - number > 16, let leading = parameters?.leadingTrack?.id else { return .zero }
        for next in number..<min(number + 64, endNumber) {
            if case .accessUnit(let unit)? = self[number: next], unit.track == leading {
                return newestTime - unit.decodeTime.duration
            }
        }
        return .zero
    }
}
