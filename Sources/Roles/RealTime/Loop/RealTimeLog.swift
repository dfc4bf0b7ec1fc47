// SPDX-License-Identifier: Apache-2.0

import Identity
import Logging
import Telemetry
import Transport

/// What threads have to say, folded.
struct RealTimeLog: Sendable {
    let log: StormLog

    func warning(_ message: String, _ stream: StreamID, _ metadata: [String: String] = [:]) {
        write(message, .warning, stream, metadata)
    }

    func info(_ message: String, _ stream: StreamID, _ metadata: [String: String] = [:]) {
        write(message, .info, stream, metadata)
    }

    private func write(_ message: String, _ level: Logger.Level, _ stream: StreamID, _ metadata: [String: String]) {
        var facts: Logger.Metadata = metadata.mapValues { .string($0) }
        facts["stream"] = "\(stream)"
        log.record(message, level: level, metadata: facts, now: SystemClock.now())
    }
}
