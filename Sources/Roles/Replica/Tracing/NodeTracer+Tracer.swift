// SPDX-License-Identifier: Apache-2.0

import Synchronization
public import Traces
public import Tracing
import Transport

/// The tracer as swift-distributed-tracing has it, for asynchronous code: contexts are `ServiceContext`s, and travel over
/// HTTP as W3C Trace Context.
extension NodeTracer: Tracer {
    /// Begins a span, a child of the span of `context`. Without one, or with one that is not sampled, nothing is recorded:
    /// traces begin with segments.
    public func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> RecordedSpan {
        var context = context()
        let parent = context.trace
        let own = parent.map { TraceContext(trace: $0.trace, span: freshSpan(), isSampled: $0.isSampled) }
        context.trace = own
        let start = TraceTime(nanoseconds: instant().nanosecondsSinceEpoch)
        let record = own.map {
            SpanRecord(operationName, kind.recorded, $0, parent: parent?.span, from: start, to: start)
        }
        return RecordedSpan(operationName, context, record?.context.isSampled == true ? record : nil, of: self)
    }

    /// Nothing is hurried.
    public func forceFlush() {}

    /// Takes the context out of `traceparent`; `tracestate` is nobody's here.
    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let text = extractor.extract(key: TraceContext.field, from: carrier) else { return }
        context.trace = TraceContext(parsing: text.utf8) ?? context.trace
    }

    /// Puts the context into `traceparent`.
    public func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let trace = context.trace else { return }
        injector.inject(trace.description, forKey: TraceContext.field, into: &carrier)
    }
}

extension ServiceContext {
    /// The span that what is done now is a part of.
    public var trace: TraceContext? {
        get { self[TraceKey.self] }
        set { self[TraceKey.self] = newValue }
    }

    private enum TraceKey: ServiceContextKey {
        typealias Value = TraceContext
    }
}

/// A span that is under way.
public final class RecordedSpan: Tracing.Span {
    /// What whoever works for it is told of.
    public let context: ServiceContext
    private let tracer: NodeTracer
    private let state: Mutex<State>

    private struct State: Sendable {
        var name: String
        /// Nil where the trace is not sampled, and when the span has ended.
        var record: SpanRecord?
        var attributes: SpanAttributes = [:]
        var failure: String?
    }

    init(_ name: String, _ context: ServiceContext, _ record: SpanRecord?, of tracer: NodeTracer) {
        self.context = context
        self.tracer = tracer
        state = Mutex(State(name: name, record: record))
    }

    /// What is done.
    public var operationName: String {
        get { state.withLock { $0.name } }
        set { state.withLock { $0.name = newValue } }
    }

    /// What is said of it: texts, whole numbers and truth values reach the collector.
    public var attributes: SpanAttributes {
        get { state.withLock { $0.attributes } }
        set { state.withLock { $0.attributes = newValue } }
    }

    /// Whether it will be told of.
    public var isRecording: Bool { state.withLock { $0.record != nil } }

    /// Says whether it went well.
    public func setStatus(_ status: SpanStatus) {
        guard case .error = status.code else { return }
        state.withLock { $0.failure = status.message ?? $0.failure ?? "failed" }
    }

    /// Says why it failed.
    public func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        state.withLock { $0.failure = "\(error)" }
    }

    /// Spans here are short, and have no events.
    public func addEvent(_ event: SpanEvent) {}

    /// Names a span of another trace.
    public func addLink(_ link: SpanLink) {
        guard let trace = link.context.trace else { return }
        state.withLock { _ = $0.record?.links.append(trace) }
    }

    /// Ends it; only the first end counts.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let time = TraceTime(nanoseconds: instant().nanosecondsSinceEpoch)
        let ended = state.withLock { state -> SpanRecord? in
            guard var record = state.record.take() else { return nil }
            record.name = state.name
            record.end = max(record.start, time)
            record.failure = state.failure
            record.attributes = state.attributes.recorded
            return record
        }
        if let ended { tracer.record(ended) }
    }
}

extension SpanAttributes {
    fileprivate var recorded: [SpanRecord.Attribute] {
        var recorded: [SpanRecord.Attribute] = []
        forEach { key, value in
            switch value {
            case .bool(let flag): recorded.append(SpanRecord.Attribute(key, .flag(flag)))
            case .int32(let number): recorded.append(SpanRecord.Attribute(key, .number(Int64(number))))
            case .int64(let number): recorded.append(SpanRecord.Attribute(key, .number(number)))
            case .string(let text): recorded.append(SpanRecord.Attribute(key, .text(text)))
            default: break
            }
        }
        return recorded.sorted { $0.key < $1.key }
    }
}

extension SpanKind {
    fileprivate var recorded: SpanRecord.Kind {
        switch self {
        case .client: .client
        case .consumer: .consumer
        case .internal: .internal
        case .producer: .producer
        case .server: .server
        }
    }
}
