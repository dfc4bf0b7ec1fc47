// SPDX-License-Identifier: Apache-2.0

public import Logging
import Synchronization

/// Logs that an outsider can cause at any rate, folded to one line a second for each message: the record then bears
/// `folded`, the number of events that it stands for, and the metadata of the last.
///
/// May be called from any thread and event loop; between two lines a record costs a lock and a dictionary look-up. The
/// owner calls ``flush(now:)`` about once a second, so that the end of a storm is told as well.
public final class StormLog: Sendable {
    private let logger: Logger
    private let interval: Duration
    private let storms = Mutex<[String: Storm]>([:])

    /// A fold over `logger` with at most one line in `interval` for each message.
    public init(_ logger: Logger, interval: Duration = .seconds(1)) {
        self.logger = logger
        self.interval = interval
    }

    deinit { for (message, storm) in storms.withLock({ $0 }) { storm.finished.map { log(message, storm.level, $0) } } }

    /// Records one event. `message` is constant text, the facts are in the metadata; `now` is monotonic.
    public func record(_ message: String, level: Logger.Level, metadata: Logger.Metadata = [:], now: Duration) {
        guard level >= logger.logLevel else { return }
        let report = storms.withLock { storms in
            storms[message, default: Storm(level: level, fold: StormFold(interval: interval))].fold
                .record(metadata, now: now)
        }
        if let report { log(message, level, report) }
    }

    /// Writes the lines that waited and are due.
    public func flush(now: Duration) {
        let due = storms.withLock { storms in
            storms.keys.compactMap { message in
                storms[message]?.fold.flush(now: now).map { (message, storms[message]?.level ?? .warning, $0) }
            }
        }
        for (message, level, report) in due { log(message, level, report) }
    }

    private func log(_ message: String, _ level: Logger.Level, _ report: StormFold<Logger.Metadata>.Report) {
        var metadata = report.last
        if report.count > 1 { metadata["folded"] = .stringConvertible(report.count) }
        logger.log(level: level, "\(message)", metadata: metadata)
    }
}

private struct Storm: Sendable {
    let level: Logger.Level
    var fold: StormFold<Logger.Metadata>

    var finished: StormFold<Logger.Metadata>.Report? {
        var fold = fold
        return fold.finish()
    }
}
