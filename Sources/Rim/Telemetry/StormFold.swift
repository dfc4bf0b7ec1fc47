// SPDX-License-Identifier: Apache-2.0

/// Folds a storm of like events to one report an interval: the first is reported at once, those that follow within the
/// interval are counted and the last of them kept. Time is an argument.
public struct StormFold<Fact: Sendable>: Sendable {
    /// What is to be said: how many events stand behind the fact, itself included.
    public struct Report: Sendable {
        /// Events since the last report, at least 1.
        public let count: Int
        /// The last of them.
        public let last: Fact
    }

    /// The time between two reports.
    public let interval: Duration
    private var quietUntil: Duration?
    private var waiting: Report?

    /// A fold that reports at most once in `interval`.
    public init(interval: Duration) { self.interval = interval }

    /// Takes an event; gives the report that is due with it.
    public mutating func record(_ fact: Fact, now: Duration) -> Report? {
        waiting = Report(count: (waiting?.count ?? 0) + 1, last: fact)
        return flush(now: now)
    }

    /// Gives the report that waited and is due.
    public mutating func flush(now: Duration) -> Report? {
        guard let report = waiting, now >= quietUntil ?? now else { return nil }
        waiting = nil
        quietUntil = now + interval
        return report
    }

    /// Gives the report that waits, due or not, for the end of the owner.
    public mutating func finish() -> Report? {
        defer { waiting = nil }
        return waiting
    }

    /// When the waiting report is due.
    public var nextDeadline: Duration? { waiting == nil ? nil : quietUntil }
}
