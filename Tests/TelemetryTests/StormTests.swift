// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import Telemetry
import Testing

@Suite("A storm fold")
struct StormFoldTests {
    @Test("reports the first at once, then once an interval with the count and the last")
    func folds() {
        var fold = StormFold<Int>(interval: .seconds(1))
        #expect(fold.record(0, now: .seconds(10))?.count == 1)
        for value in 1...5 { #expect(fold.record(value, now: .seconds(10) + .milliseconds(value * 100)) == nil) }
        #expect(fold.nextDeadline == .seconds(11))
        #expect(fold.flush(now: .milliseconds(10_999)) == nil)
        let report = fold.flush(now: .seconds(11))
        #expect(report?.count == 5)
        #expect(report?.last == 5)
        #expect(fold.nextDeadline == nil)
    }

    @Test("keeps the rate to one report an interval, and loses no event")
    func keepsRate() {
        var fold = StormFold<Int>(interval: .seconds(1))
        var reports: [Int] = []
        for step in 0..<1000 {
            if let report = fold.record(step, now: .milliseconds(step * 10)) { reports.append(report.count) }
        }
        #expect(reports.count == 10)
        #expect(reports.reduce(0, +) + (fold.finish()?.count ?? 0) == 1000)
        #expect(fold.finish() == nil)
    }
}

@Suite("A storm log")
struct StormLogTests {
    @Test("folds each message by itself and tells the end of a storm")
    func foldsEachMessage() {
        let seen = Lines()
        let storm = StormLog(Logger(label: "t") { _ in Recorder(lines: seen) })
        for index in 0..<5 {
            storm.record("refused", level: .warning, metadata: ["n": "\(index)"], now: .zero)
            storm.record("timeout", level: .warning, now: .zero)
            storm.record("unseen", level: .debug, now: .zero)
        }
        #expect(seen.all.sorted() == ["refused n=0", "timeout"])
        storm.flush(now: .milliseconds(999))
        #expect(seen.all.count == 2)
        storm.flush(now: .seconds(1))
        #expect(seen.all.dropFirst(2).sorted() == ["refused folded=4 n=4", "timeout folded=4"])
    }

    @Test("tells what waits when its owner ends")
    func tellsAtTheEnd() {
        let seen = Lines()
        do {
            let storm = StormLog(Logger(label: "t") { _ in Recorder(lines: seen) })
            for _ in 0..<3 { storm.record("refused", level: .warning, now: .zero) }
        }
        #expect(seen.all == ["refused", "refused folded=2"])
    }
}

private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct Recorder: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.info
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
        let facts = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        lines.append(event.message.description + facts.joined())
    }
}
