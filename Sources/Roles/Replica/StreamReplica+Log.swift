// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Media
import Synchronization

/// What a subscription gets when it reads on.
enum LogRead {
    /// There is nothing new; the mailbox will be posted.
    case level
    /// There is nothing new and nothing will come.
    case over
    /// Records from `first` on. `skipped`: some before them were passed over. `parameters`: those in force at `first`.
    /// `isLevel`: there is nothing new after them; the mailbox will be posted. All are of one `term`.
    case records(first: UInt64, skipped: Bool, parameters: Parameters?, isLevel: Bool, term: Term)
}

extension StreamReplica {
    /// Copies up to a batch of records from place `from` on, or from the newest random access point where `from` is
    /// nil, gone, or further behind than `maximumLag`.
    func read(
        from: UInt64?, maximumLag: Duration, into batch: inout [FeedRecord], wake mailbox: LoopMailbox
    ) -> LogRead {
        state.withLock { state in
            let start = state.feed.log.start(from: from, maximumLag: maximumLag)
            guard let start, start.place < state.feed.log.endPlace else {
                guard !state.isOver else { return .over }
                state.wish(.records, mailbox)
                return .level
            }
            let places = state.feed.log.batch(from: start.place, records: Self.batchSize, bytes: .max)
            batch.append(contentsOf: state.feed.log.slice(places))
            let isLevel = places.upperBound == state.feed.log.endPlace && !state.isOver
            if isLevel { state.wish(.records, mailbox) }
            return .records(
                first: start.place, skipped: start.skipped, parameters: start.parameters, isLevel: isLevel,
                term: state.feed.log.position(at: start.place)?.term ?? state.feed.log.term)
        }
    }

    private static let batchSize = 64
}

extension FeedLog {
    /// Where a subscription that wants the record at `from` reads on.
    fileprivate func start(
        from: UInt64?, maximumLag: Duration
    ) -> (place: UInt64, skipped: Bool, parameters: Parameters?)? {
        guard let from else { return entry.map { ($0.place, false, $0.parameters) } }
        let isGone = from < firstPlace
        guard isGone || lag(of: from) > maximumLag, let entry, entry.place > from else {
            return isGone ? nil : (valid(from), false, nil)
        }
        return (entry.place, true, entry.parameters)
    }

    /// How far the unit at or soon after `place` is behind the newest, in media time.
    private func lag(of place: UInt64) -> Duration {
        guard endPlace > place + 16, let leading = parameters?.parameters.leadingTrack?.id else { return .zero }
        for next in place..<min(place + 64, endPlace) {
            if case .accessUnit(let unit)? = self[place: next], unit.track == leading {
                return newestTime - unit.decodeTime.duration
            }
        }
        return .zero
    }
}
