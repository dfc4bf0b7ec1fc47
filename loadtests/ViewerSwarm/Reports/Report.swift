// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Swarm

/// What publishers did, added up.
struct PublisherTally: Tally {
    /// Streams that a server accepted.
    var published = 0
    /// Messages of media handed to the kernel.
    var messages = 0
    /// Their bytes, without chunk headers.
    var bytes = 0
    /// Ticks at which a stream had something due and its connection was full.
    var blockedTicks = 0
    /// How often a server asked to be connected to anew.
    var reconnectRequests = 0
    /// Streams that ended before their time, by reason.
    var failures: [String: Int] = [:]
    /// From when a message was due to when it was sent.
    var lateness = Histogram()
    /// How late this program was to look at what was due.
    var lags = Histogram()

    var failed: Int { failures.values.reduce(0, +) }

    mutating func merge(_ other: PublisherTally) {
        published += other.published
        messages += other.messages
        bytes += other.bytes
        blockedTicks += other.blockedTicks
        reconnectRequests += other.reconnectRequests
        failures.merge(other.failures, uniquingKeysWith: +)
        lateness.merge(other.lateness)
        lags.merge(other.lags)
    }
}

/// A result that is written as JSON, and said in a line.
protocol Report: Encodable {
    /// For a person.
    var summary: String { get }
}

/// Percentiles in milliseconds.
struct TimesReport: Encodable {
    let count: Int
    let mean, p50, p90, p95, p99, p999, max: Double

    init(_ histogram: Histogram) {
        func milliseconds(_ duration: Duration) -> Double { (duration / .microseconds(1)).rounded() / 1000 }
        count = histogram.count
        mean = milliseconds(histogram.mean)
        p50 = milliseconds(histogram.percentile(50))
        p90 = milliseconds(histogram.percentile(90))
        p95 = milliseconds(histogram.percentile(95))
        p99 = milliseconds(histogram.percentile(99))
        p999 = milliseconds(histogram.percentile(99.9))
        max = milliseconds(histogram.maximum)
    }
}

extension TimesReport {
    /// What stands above lines.
    static var heading: String { row("milliseconds", ["p50", "p95", "p99", "max"]) }

    /// A row for a person.
    func line(_ name: String) -> String { Self.row(name, [p50, p95, p99, max].map { "\($0)" }) }

    private static func row(_ name: String, _ cells: [String]) -> String {
        let columns = cells.map { String(repeating: " ", count: Swift.max(0, 10 - $0.count)) + $0 }
        return name + String(repeating: " ", count: Swift.max(0, 22 - name.count)) + columns.joined()
    }
}

/// The result of `publish`.
struct PublishReport: Report {
    let streams, seconds, published, messages, bytes, blockedTicks, reconnectRequests: Int
    let failures: [String: Int]
    let latenessMilliseconds, lagMilliseconds: TimesReport

    init(_ tally: PublisherTally, streams: Int, seconds: Int) {
        self.streams = streams
        self.seconds = seconds
        published = tally.published
        messages = tally.messages
        bytes = tally.bytes
        blockedTicks = tally.blockedTicks
        reconnectRequests = tally.reconnectRequests
        failures = tally.failures
        latenessMilliseconds = TimesReport(tally.lateness)
        lagMilliseconds = TimesReport(tally.lags)
    }

    var summary: String {
        "published \(published) of \(streams) streams: \(messages) messages, \(bytes >> 20) MiB, "
            + "\(failures.values.reduce(0, +)) failed, p99 \(latenessMilliseconds.p99) ms late"
    }
}

extension Report {
    /// Writes the JSON to standard output, or to a file, and the summary to standard error.
    func write(to file: String? = nil) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let json = try encoder.encode(self) + Data("\n".utf8)
        if let file { try json.write(to: URL(fileURLWithPath: file)) } else { FileHandle.standardOutput.write(json) }
        FileHandle.standardError.write(Data("\(summary)\n".utf8))
    }

    /// Says what was not as it must be, and ends the program with 1 where there is any.
    func hold(_ broken: [String]) throws {
        for line in broken { FileHandle.standardError.write(Data("NOT MET: \(line)\n".utf8)) }
        guard broken.isEmpty else { throw ExitCode.failure }
    }
}
