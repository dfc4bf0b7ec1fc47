// SPDX-License-Identifier: Apache-2.0

public import Objects
public import Traces

/// The spans that wait for a collector: bounded, sent in batches one after the other, tried again as OTLP/HTTP says.
///
/// It is in one of three states. *Gathering*: the batch is not full and its time has not come; leads to sending. *Sending*: a
/// batch is on its way; an answer leads to gathering, or to resting. *Resting*: the collector could not take the batch; leads
/// to sending, when the time has come. Spans are gathered in all of them, and what finds no room is dropped and counted.
public struct SpanExportSession: Sendable {
    private let settings: SpanExportSettings
    private var waiting: [SpanRecord] = []
    /// When the oldest of those who wait came.
    private var since: Duration?
    /// How many of those who wait are on their way.
    private var sending: Int?
    private var failures = 0
    private var restsUntil: Duration?
    private var isClosing = false
    private var counters = SpanCounters()

    /// Nothing waits yet.
    public init(_ settings: SpanExportSettings) { self.settings = settings }

    /// Takes a span that has ended, or drops it.
    public mutating func offer(_ span: SpanRecord, now: Duration) {
        guard waiting.count < settings.queue else {
            counters.withoutRoom += 1
            return
        }
        waiting.append(span)
        since = since ?? now
    }

    /// The batch that is due; it is then on its way, until ``answered(_:now:using:)``.
    public mutating func next(now: Duration) -> [SpanRecord]? {
        guard sending == nil, !waiting.isEmpty, let deadline = nextDeadline, now >= deadline else { return nil }
        let batch = Array(waiting.prefix(settings.batch))
        sending = batch.count
        return batch
    }

    /// When a batch is due; nil while nothing waits or one is on its way.
    public var nextDeadline: Duration? {
        guard sending == nil, let since else { return nil }
        if let restsUntil { return restsUntil }
        return isClosing || waiting.count >= settings.batch ? since : since + settings.linger
    }

    /// What became of the batch that was on its way; `.later` also where nobody answered.
    public mutating func answered(
        _ answer: ExportAnswer, now: Duration, using random: inout some RandomNumberGenerator
    ) {
        guard let count = sending else { return }
        sending = nil
        restsUntil = nil
        switch answer {
        case .accepted(let rejected):
            counters.refused += min(rejected, count)
            counters.exported += count - min(rejected, count)
            remove(count, now: now)
        case .refused:
            counters.refused += count
            remove(count, now: now)
        case .later(let asked):
            failures += 1
            guard failures < settings.attempts else {
                counters.unsent += count
                return remove(count, now: now)
            }
            restsUntil = now + settings.retry.delay(after: failures, asked: asked, using: &random)
        }
    }

    /// The node ends: what waits is due at once.
    public mutating func close() { isClosing = true }

    /// Nobody will send what waits any more.
    public mutating func abandon() {
        counters.unsent += waiting.count
        sending = nil
        waiting = []
        since = nil
    }

    /// What was counted since the last call.
    public mutating func takeCounters() -> SpanCounters {
        defer { counters = SpanCounters() }
        return counters
    }

    private mutating func remove(_ count: Int, now: Duration) {
        failures = 0
        waiting.removeFirst(count)
        since = waiting.isEmpty ? nil : now
    }
}

/// How spans are exported.
public struct SpanExportSettings: Hashable, Sendable {
    /// How many spans may wait.
    public var queue = 4096
    /// How many are sent at once at most.
    public var batch = 512
    /// How long one waits for others to be sent with.
    public var linger: Duration = .seconds(1)
    /// How often a batch is tried before it is dropped.
    public var attempts = 6
    /// The wait between attempts.
    public var retry = RetrySchedule()

    /// The defaults.
    public init() {}
}

/// What became of spans.
public struct SpanCounters: Hashable, Sendable {
    /// Those that the collector has.
    public var exported = 0
    /// Those that it will not take.
    public var refused = 0
    /// Those that it could not be given in as many attempts as there are.
    public var unsent = 0
    /// Those for which there was no room.
    public var withoutRoom = 0

    /// None.
    public init() {}
}
