// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import NodeKit
import OTLP
import Replica
import TestKit
import Testing
import Traces
import Tracing
import Transport

@Suite("A traced segment")
struct TracingTests {
    @Test("is one tree over the nodes that it passes, each hanging on the one before")
    func tree() async throws {
        let origin = try await RelayedNode.start("origin")
        let shield = try await RelayedNode.start("shield", below: [origin])
        let edge = try await RelayedNode.start("edge", below: [shield])
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(6))
        let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        try await eventually("the window is here") {
            replica.playlist != nil && replica.playlist == feed.replica.playlist
        }
        let begun = try #require(feed.replica.outlook.reach).msn
        for _ in 0..<30 { feed.publish(.milliseconds(130)) }
        try await eventually("the newest is here") { replica.playlist == feed.replica.playlist }
        let msn = begun + 1
        let trace = StreamTrace(try GatewayFeed.stream).segment(msn, in: GatewayFeed.term)
        let nodes = [origin, shield, edge]
        let spans = nodes.map { node in node.takeSpans().filter { $0.context.trace == trace.id } }
        let holding = try spans.map { spans in try #require(spans.first { $0.kind == .consumer }) }
        #expect(holding.map(\.name) == ["publish", "relay", "relay"])
        #expect(holding.map(\.context) == nodes.map { trace.holding(at: $0.name) })
        #expect(holding.map(\.parent) == [nil, holding[0].context.span, holding[1].context.span])
        for (before, after) in zip(holding, holding.dropFirst()) {
            #expect(before.start <= after.start && before.end <= after.end)
        }
        for (spans, held) in zip(spans, holding) {
            let parts = spans.filter { $0.name == "package" }
            #expect(parts.count >= 4 && parts.allSatisfy { $0.parent == held.context.span })
            #expect(parts.allSatisfy { held.start <= $0.start })
            #expect(Set(spans.map(\.context.span)).count == spans.count)
        }
        #expect(spans.map { $0.count { $0.name == "commit" } > 0 } == [true, false, false])
        for node in nodes.reversed() { await node.stop() }
    }

    @Test("has no span where it is not sampled")
    func unsampled() async throws {
        let node = try await RelayedNode.start("origin")
        let sampling = TraceSampling(oneIn: 1_000_000)
        let tracer = NodeTracer(node: node.name, sampling: sampling, foreignRequests: 0)
        let replica = StreamReplica(
            id: try GatewayFeed.stream, checkingOneIn: 1, settings: MediaWindowSettings(),
            metrics: ReplicaMetrics(node.registry), tracer: tracer)
        let trace = replica.trace.segment(10, in: GatewayFeed.term)
        #expect(!sampling.takes(trace.id) && tracer.holding(trace) == nil)
        await node.stop()
    }
}

@Suite("A node's tracer")
struct NodeTracerTests {
    private let tracer: NodeTracer

    init() throws {
        let node = try #require(NodeID(parsing: "origin"))
        tracer = NodeTracer(node: node, sampling: TraceSampling(oneIn: 1), foreignRequests: 0)
    }

    private func context(isSampled: Bool = true) throws -> ServiceContext {
        var context = ServiceContext.topLevel
        let trace = try #require(TraceID(high: 1, low: 2))
        context.trace = TraceContext(trace: trace, span: try #require(SpanID(number: 3)), isSampled: isSampled)
        return context
    }

    private var ended: [SpanRecord] {
        tracer.export { session in
            session.close()
            return session.next(now: SystemClock.now()) ?? []
        }
    }

    @Test("makes a child of the span of its context, and tells of it once, when it has ended")
    func child() throws {
        let parent = try context()
        let span = tracer.startSpan("upload", context: parent, ofKind: .client)
        #expect(span.isRecording)
        let own = try #require(span.context.trace)
        #expect(own.trace == TraceID(high: 1, low: 2) && own.span != SpanID(number: 3))
        span.attributes["key"] = "value"
        span.attributes["size"] = 7
        span.recordError(CancellationError())
        span.end()
        span.end()
        #expect(!span.isRecording)
        let ended = ended
        #expect(ended.count == 1)
        let record = try #require(ended.first)
        #expect(record.name == "upload" && record.kind == .client && record.context == own)
        #expect(record.parent == SpanID(number: 3) && record.start <= record.end && record.failure != nil)
        #expect(
            record.attributes == [
                SpanRecord.Attribute("key", .text("value")), SpanRecord.Attribute("size", .number(7)),
            ])
    }

    @Test("records nothing without a context, or with one that is not sampled")
    func nothing() throws {
        for context in [ServiceContext.topLevel, try context(isSampled: false)] {
            let span = tracer.startSpan("upload", context: context)
            #expect(!span.isRecording)
            span.end()
        }
        #expect(ended.isEmpty)
    }

    @Test("carries its context over HTTP as traceparent")
    func propagation() throws {
        var headers: [String: String] = [:]
        tracer.inject(try context(), into: &headers, using: Carrier())
        #expect(headers == ["traceparent": "00-00000000000000010000000000000002-0000000000000003-01"])
        var read = ServiceContext.topLevel
        tracer.extract(headers, into: &read, using: Carrier())
        #expect(read.trace == (try context()).trace)
        tracer.extract(["traceparent": "nonsense"], into: &read, using: Carrier())
        #expect(read.trace == (try context()).trace)
        var none: [String: String] = [:]
        tracer.inject(.topLevel, into: &none, using: Carrier())
        #expect(none.isEmpty)
    }

    private struct Carrier: Injector, Extractor {
        func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
        func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
    }
}
