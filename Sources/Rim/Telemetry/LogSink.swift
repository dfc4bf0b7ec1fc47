// SPDX-License-Identifier: Apache-2.0

import Glibc
public import Logging
import Media
import Synchronization

/// A log handler that writes each record before it returns: nothing is queued, so a crash loses nothing, and lines never
/// interleave, also not in a full pipe.
///
/// A reader that stops reading must not stop the node: once the pipe is full, a line waits a tenth of a second at most,
/// and those after it not at all until there is room. What did not get out is counted, and the next line that does is
/// preceded by one that says how many were lost.
public struct LogSink: LogHandler {
    /// Where a node logs: standard output is for what a command was asked for.
    public static let standardError: Int32 = 2

    /// Metadata of every record of this logger.
    public var metadata: Logger.Metadata = [:]
    /// Metadata of the task, if a provider is bootstrapped.
    public var metadataProvider: Logger.MetadataProvider?
    /// The lowest level that is written.
    public var logLevel: Logger.Level
    private let label: String
    private let format: LogFormat
    private let descriptor: Int32

    /// A handler for the logger `label` that writes to a file descriptor, by default standard error.
    public init(label: String, level: Logger.Level, format: LogFormat, descriptor: Int32 = LogSink.standardError) {
        self.label = label
        self.logLevel = level
        self.format = format
        self.descriptor = descriptor
    }

    /// The format that fits who reads `descriptor`: text for a terminal, JSON otherwise.
    public static func format(for descriptor: Int32 = LogSink.standardError) -> LogFormat {
        isatty(descriptor) == 1 ? .text : .json
    }

    /// One value of the logger's own metadata.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one record; the call's own metadata wins over the task's, and that over the logger's.
    public func log(event: LogEvent) {
        var facts = metadata
        if let provided = metadataProvider?.get() { facts.merge(provided) { $1 } }
        if let given = event.metadata { facts.merge(given) { $1 } }
        if let error = event.error { facts["error"] = .string("\(error)") }
        let line = line(event.level, event.message.description, facts)
        Self.lines.withLock { outlets in
            outlets[descriptor, default: LogOutlet(descriptor: descriptor)].write(line) { lost in
                self.line(.warning, "log lines lost", ["lines": .stringConvertible(lost)])
            }
        }
    }

    private func line(_ level: Logger.Level, _ message: String, _ facts: Logger.Metadata) -> String {
        let time = WallTime(milliseconds: Self.civilMilliseconds()).description
        return format.line(time: time, level: level, message: message, label: label, metadata: facts)
    }

    private static func civilMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// By descriptor, so that all loggers write in turn: a line longer than a pipe's atomic size goes out in pieces.
    private static let lines = Mutex<[Int32: LogOutlet]>([:])
}
