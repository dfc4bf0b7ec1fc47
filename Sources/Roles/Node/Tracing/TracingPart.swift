// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Identity
import Logging
import OTLP
import Objects
import Replica
import Storage
import Synchronization
import Telemetry
import Traces
import Transport

/// A node's traces: where its spans go, and what takes them to the collector.
///
/// It stands beside the media: spans wait in a bounded queue, a task of its own looks there four times a second, and libcurl has
/// a thread of its own. A collector that hangs costs spans and nothing else.
final class TracingPart: Sendable {
    let tracer: NodeTracer
    private let client: OutboundClient
    private let url: String
    private let headers: [OutboundHeader]
    private let encoder: TraceRequestEncoder
    private let metrics: TracingMetrics
    private let log: StormLog
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Throws what is wrong with the node's name; nil where nothing is traced.
    init?(_ settings: NodeSettings, metrics: TracingMetrics, log: StormLog) throws {
        guard let url = settings.tracing.endpoint else { return nil }
        let node = try settings.nodeID()
        self.url = url
        self.metrics = metrics
        self.log = log
        tracer = NodeTracer(
            node: node, sampling: TraceSampling(oneIn: settings.tracing.sample),
            foreignRequests: settings.tracing.requests, settings: settings.spanExportSettings)
        encoder = TraceRequestEncoder(resource: [
            SpanRecord.Attribute("service.name", .text("millrace")),
            SpanRecord.Attribute("service.version", .text(MillraceVersion.text)),
            SpanRecord.Attribute("service.instance.id", .text(node.description)),
            SpanRecord.Attribute("cloud.region", .text(settings.node.region)),
        ])
        headers = [OutboundHeader("Content-Type", TraceRequestEncoder.mediaType)] + settings.tracing.collectorHeaders
        var outbound = OutboundSettings()
        outbound.connectionsPerHost = 1
        client = OutboundClient(outbound)
    }

    /// Begins to export.
    func start() {
        task.withLock { task in
            task = Task { [weak self] in
                while (try? await Task.sleep(for: Self.interval)) != nil {
                    guard let self else { return }
                    await exportDue(timeout: Self.timeout)
                }
            }
        }
    }

    /// Exports what waits, as far as the time allows, and ends.
    func stop(within time: Duration) async {
        let exporting = task.withLock { $0.take() }
        exporting?.cancel()
        await exporting?.value
        tracer.export { $0.close() }
        let end = SystemClock.now() + time
        while SystemClock.now() < end, tracer.export({ $0.nextDeadline }) != nil {
            await exportDue(timeout: max(.milliseconds(1), end - SystemClock.now()))
            try? await Task.sleep(for: .milliseconds(10))
        }
        metrics.note(
            tracer.export { session in
                session.abandon()
                return session.takeCounters()
            })
        client.close()
    }

    /// Sends one batch after the other while one is due.
    private func exportDue(timeout: Duration) async {
        while let batch = tracer.export({ $0.next(now: SystemClock.now()) }) {
            let answer = await send(batch, timeout: timeout)
            tracer.export { session in
                var random = SystemRandomNumberGenerator()
                session.answered(answer, now: SystemClock.now(), using: &random)
            }
        }
        metrics.note(tracer.export { $0.takeCounters() })
    }

    private func send(_ batch: [SpanRecord], timeout: Duration) async -> ExportAnswer {
        let request = OutboundRequest(method: "POST", url: url, headers: headers, body: encoder.body(of: batch))
        do throws(StoreFailure) {
            let answer = try await client.send(request, timeout: timeout, largest: .kibibytes(64))
            let read = ExportAnswer(status: answer.status, retryAfter: answer.headers["retry-after"], body: answer.body)
            if case .accepted(rejected: 0) = read { return read }
            complain("status \(answer.status)")
            return read
        } catch {
            complain("\(error)")
            return .later(nil)
        }
    }

    private func complain(_ reason: String) {
        log.record(
            "the collector does not take traces", level: .warning, metadata: ["reason": "\(reason)"],
            now: SystemClock.now())
    }

    private static let interval: Duration = .milliseconds(250)
    private static let timeout: Duration = .seconds(10)
}
