// SPDX-License-Identifier: Apache-2.0

import Glibc
public import Identity
public import OTLP
import Synchronization
public import Traces
public import Transport

/// Where all spans of a node go: what ends is taken in, or dropped, and waits here until it is fetched in batches.
///
/// Any thread may call. Whoever must not wait makes a ``SpanRecord`` when all of it is known and calls ``record(_:)``, which
/// takes a lock and copies; asynchronous code may use it as a `Tracer`.
public final class NodeTracer: Sendable {
    /// The node.
    public let node: NodeID
    /// How many requests a second may have a span because the viewer's own trace is sampled.
    public let foreignRequests: Int
    private let sampling: TraceSampling
    private let session: Mutex<SpanExportSession>

    /// A tracer of a node.
    /// - Parameters:
    ///   - sampling: which segments are traced; the same on all nodes.
    ///   - foreignRequests: how many requests a second bring a trace of their own that is followed.
    public init(
        node: NodeID, sampling: TraceSampling, foreignRequests: Int, settings: SpanExportSettings = SpanExportSettings()
    ) {
        self.node = node
        self.sampling = sampling
        self.foreignRequests = foreignRequests
        session = Mutex(SpanExportSession(settings))
    }

    /// Whether the spans of a segment are recorded.
    public func takes(_ trace: SegmentTrace) -> Bool { sampling.takes(trace.id) }

    /// The span by which this node holds a segment; nil where the segment is not sampled.
    public func holding(_ trace: SegmentTrace) -> TraceContext? { takes(trace) ? trace.holding(at: node) : nil }

    /// Takes a span that has ended.
    public func record(_ span: SpanRecord) { session.withLock { $0.offer(span, now: SystemClock.now()) } }

    /// A span's name that nobody else has.
    public func freshSpan() -> SpanID {
        var random = SystemRandomNumberGenerator()
        return SpanID.random(using: &random)
    }

    /// Does something with what waits.
    public func export<Result: Sendable>(_ body: (inout SpanExportSession) -> Result) -> Result {
        session.withLock { body(&$0) }
    }
}

extension SystemClock {
    /// Civil time as traces have it, to the nanosecond.
    public static func traceTime() -> TraceTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return TraceTime(
            nanoseconds: UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec))
    }
}
