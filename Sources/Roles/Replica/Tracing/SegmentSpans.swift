// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Traces

/// The spans of the segments that come to a replica, of those that are sampled. For the others it costs a hash a segment.
///
/// A segment has one span by which the node holds it: `publish` at its gateway, from the first message that brought media of
/// it to the record that closes it, elsewhere `relay`, from its first record here until it is whole and listed. Children of that
/// are, for each part, `package`, while its bytes are written, and at the gateway `commit`, while the standby is waited for.
struct SegmentSpans: Sendable {
    private let stream: StreamTrace
    private let tracer: NodeTracer
    private var open: [Held] = []
    /// The newest part that is listed.
    private var listed: PartPosition?

    /// A segment whose spans are not all told.
    private struct Held: Sendable {
        let trace: SegmentTrace
        let msn: MediaSequenceNumber
        let begun: TraceTime
        /// The node that it comes from; nil at the gateway, and where that is not known.
        let parent: NodeID?
        let isPublished: Bool
        /// When the bytes of each part that is not committed were there.
        var written: [Int: TraceTime] = [:]
        /// Which part closes it, and when that mark came.
        var closing: (part: Int, at: TraceTime)?
    }

    init(_ stream: StreamTrace, _ tracer: NodeTracer) {
        self.stream = stream
        self.tracer = tracer
    }

    /// Whether anything is to be told of the parts that end now.
    var isTracing: Bool { !open.isEmpty }

    /// A segment begins.
    /// - Parameters:
    ///   - parent: the node it comes from.
    ///   - isPublished: whether this node decides it.
    mutating func begin(
        _ msn: MediaSequenceNumber, in term: Term, from parent: NodeID?, isPublished: Bool, at time: TraceTime
    ) {
        let trace = stream.segment(msn, in: term)
        guard tracer.takes(trace) else { return }
        open.append(Held(trace: trace, msn: msn, begun: time, parent: parent, isPublished: isPublished))
        if open.count > Self.most { open.removeFirst() }
    }

    /// A part has ended: its bytes were written from `start` to `end`.
    mutating func end(_ mark: PartEnd, from start: TraceTime, to end: TraceTime) {
        guard let index = open.firstIndex(where: { $0.msn == mark.position.msn }) else { return }
        let part = mark.position.part
        if mark.hasMedia {
            open[index].written[part] = end
            record("package", .internal, open[index], part, from: start, to: end)
        }
        guard mark.closesSegment else { return }
        open[index].closing = (mark.hasMedia ? part : part - 1, start)
        // Without media, nothing more of it is to be listed.
        if let listed { commit(upTo: listed, at: end) }
    }

    /// All parts up to this one are listed from now on.
    mutating func commit(upTo position: PartPosition, at time: TraceTime) {
        listed = position
        for index in open.indices where open[index].msn <= position.msn {
            let held = open[index]
            for (part, written) in held.written where PartPosition(msn: held.msn, part: part) <= position {
                open[index].written[part] = nil
                if held.isPublished { record("commit", .internal, held, part, from: written, to: time) }
            }
        }
        var rest: [Held] = []
        for held in open {
            if let closing = held.closing, PartPosition(msn: held.msn, part: closing.part) <= position {
                finish(held, at: held.isPublished ? closing.at : time)
            } else if held.msn >= position.msn {
                rest.append(held)
            }
            // Any other was cut off by a newer term.
        }
        open = rest
    }

    private func finish(_ held: Held, at end: TraceTime) {
        tracer.record(
            SpanRecord(
                held.isPublished ? "publish" : "relay", .consumer, held.trace.holding(at: tracer.node),
                parent: held.parent.map { held.trace.holding(at: $0).span }, from: held.begun, to: end,
                attributes(held)))
    }

    private func record(
        _ name: String, _ kind: SpanRecord.Kind, _ held: Held, _ part: Int, from start: TraceTime, to end: TraceTime
    ) {
        let step: UInt64 = name == "commit" ? 1 : 0
        let span = held.trace.span(ofPart: part, step: step, at: tracer.node)
        tracer.record(
            SpanRecord(
                name, kind, TraceContext(trace: held.trace.id, span: span),
                parent: held.trace.holding(at: tracer.node).span, from: start, to: end,
                attributes(held) + [SpanRecord.Attribute("millrace.part", .number(Int64(part)))]))
    }

    private func attributes(_ held: Held) -> [SpanRecord.Attribute] {
        [
            SpanRecord.Attribute("millrace.stream", .text(stream.stream.description)),
            SpanRecord.Attribute("millrace.msn", .number(Int64(clamping: held.msn))),
        ]
    }

    /// Segments at one time: one that ends, one that begins, and those that a standby is late with.
    private static let most = 8
}
