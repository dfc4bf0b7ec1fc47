// SPDX-License-Identifier: Apache-2.0

public import DequeModule
public import Feed
public import Identity
public import Media

/// The newest records of one term, by number: what subscribers read, each at its own pace.
///
/// It keeps the newest segments only: who is further behind goes on at the newest random access point.
public struct FeedLog: Sendable {
    /// The records held, the oldest first.
    public private(set) var records: Deque<FeedRecord> = []
    /// The number of the oldest record held.
    public private(set) var firstNumber: UInt64 = 0
    /// Where a viewer who comes now begins; nil until there is a random access point.
    public private(set) var entry: Entry?
    /// The parameters in force at the end of the log.
    public private(set) var parameters: Parameters?
    /// The decode time of the newest unit of the leading track, for lag.
    public private(set) var newestTime: Duration = .zero

    /// The first records of the newest segments: number, and the decode time there.
    private var starts: Deque<(number: UInt64, time: Duration)> = []
    private let lag: Duration

    /// A place at which a decoder can start.
    public struct Entry: Sendable {
        /// The number of the record that holds the random access point.
        public let number: UInt64
        /// The parameters to send before it.
        public let parameters: Parameters
    }

    /// An empty log, whose readers may be `lag` behind the newest unit.
    public init(lag: Duration) { self.lag = lag }

    /// One past the newest record.
    public var endNumber: UInt64 { firstNumber + UInt64(records.count) }

    /// Appends the next record and forgets the oldest where there are too many.
    public mutating func append(_ record: FeedRecord) {
        switch record {
        case .parameters(let next): parameters = next
        case .accessUnit(let unit): note(unit)
        case .segmentStart: starts.append((endNumber, newestTime))
        case .end, .gap, .partEnd, .stored: break
        }
        records.append(record)
        while starts.count > 2, starts[1].time + lag < newestTime {
            starts.removeFirst()
            forget(before: starts[0].number)
        }
        if records.count > Self.capacity { forget(before: firstNumber + 1) }
    }

    /// Forgets the oldest, but never the place where a viewer begins while there is room.
    private mutating func forget(before number: UInt64) {
        let number = records.count > Self.capacity ? number : min(number, entry?.number ?? number)
        guard number > firstNumber else { return }
        records.removeFirst(Int(number - firstNumber))
        firstNumber = number
        if let begun = entry, begun.number < firstNumber { entry = nil }
    }

    /// Records held of segments that do not end; at 200 a second over a minute of media.
    private static let capacity = 16384

    /// The record with this number, nil where it is gone or not there yet.
    public subscript(number number: UInt64) -> FeedRecord? {
        guard number >= firstNumber, number < endNumber else { return nil }
        return records[Int(number - firstNumber)]
    }

    private mutating func note(_ unit: AccessUnit) {
        guard let parameters, let leading = parameters.leadingTrack, unit.track == leading.id else { return }
        newestTime = unit.decodeTime.duration
        if unit.isRandomAccess { entry = Entry(number: endNumber, parameters: parameters) }
    }
}
