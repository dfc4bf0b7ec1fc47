// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Replica
import Traces
import Transport
import WebServer

/// The spans of one event loop's requests, of those that have one; confined to the loop. The others cost a hash.
///
/// A request whose viewer's own trace is sampled is part of that, as far as the node follows so many, and names the trace of
/// the segment that it asks for. One whose viewer's trace is not sampled has none. Any other request for a part or a segment that is traced is part of the segment's trace, the
/// first few of each loop.
final class RequestSpans {
    private let tracer: NodeTracer
    private var open: [ObjectIdentifier: Request] = [:]
    /// How many requests of each segment have a span already.
    private var told: [TraceID: Int] = [:]
    private var second: (number: Int64, count: Int) = (0, 0)
    private var streams: [StreamID: StreamTrace] = [:]

    private struct Request {
        let context: TraceContext
        let parent: SpanID
        let link: TraceContext?
        let stream: StreamID
        let resource: MediaResource
        let isHead: Bool
        let start: TraceTime
    }

    init(_ tracer: NodeTracer) { self.tracer = tracer }

    /// A request has come that will be answered on `exchange`.
    func begin(_ path: MediaPath, _ request: MediaRequest, on exchange: MediaExchange) {
        let segment = segment(of: path).flatMap { tracer.holding($0) }
        let viewer = request.traceParent.flatMap { TraceContext(parsing: $0) }
        guard viewer != nil || segment != nil else { return }
        let parent: TraceContext
        var link: TraceContext?
        if let viewer {
            guard viewer.isSampled, follows() else { return }
            parent = viewer
            link = segment
        } else if let segment, counts(segment.trace) {
            parent = segment
        } else {
            return
        }
        open[ObjectIdentifier(exchange)] = Request(
            context: TraceContext(trace: parent.trace, span: tracer.freshSpan()), parent: parent.span, link: link,
            stream: path.stream, resource: path.resource, isHead: request.method == .head,
            start: SystemClock.traceTime())
    }

    /// The answer goes out; without a status the viewer went away before.
    func end(_ exchange: MediaExchange, status: Int?) {
        guard !open.isEmpty, let request = open.removeValue(forKey: ObjectIdentifier(exchange)) else { return }
        var attributes = [
            SpanRecord.Attribute("http.request.method", .text(request.isHead ? "HEAD" : "GET")),
            SpanRecord.Attribute("millrace.stream", .text(request.stream.description)),
        ]
        attributes += request.resource.attributes
        if let status { attributes.append(SpanRecord.Attribute("http.response.status_code", .number(Int64(status)))) }
        tracer.record(
            SpanRecord(
                "request", .server, request.context, parent: request.parent, from: request.start,
                to: SystemClock.traceTime(), attributes, links: request.link.map { [$0] } ?? [],
                failure: status.map { $0 < 500 ? nil : "status \($0)" } ?? "the viewer went away"))
    }

    private func segment(of path: MediaPath) -> SegmentTrace? {
        switch path.resource {
        case .part(_, let term, let position): trace(path.stream).segment(position.msn, in: term)
        case .segment(_, let term, let msn): trace(path.stream).segment(msn, in: term)
        case .flv, .initSection, .mediaPlaylist, .multivariantPlaylist: nil
        }
    }

    private func trace(_ stream: StreamID) -> StreamTrace {
        if let known = streams[stream] { return known }
        if streams.count >= Self.mostSegments { streams = [:] }
        let fresh = StreamTrace(stream)
        streams[stream] = fresh
        return fresh
    }

    private func counts(_ trace: TraceID) -> Bool {
        if told.count >= Self.mostSegments { told = [:] }
        told[trace, default: 0] += 1
        return told[trace, default: 0] <= Self.mostRequests
    }

    private func follows() -> Bool {
        let now = SystemClock.now().components.seconds
        if second.number != now { second = (now, 0) }
        second.count += 1
        return second.count <= tracer.foreignRequests
    }

    /// Requests that are told of each segment: one of each part, and some.
    private static let mostRequests = 16
    private static let mostSegments = 64
}

extension MediaResource {
    /// What a span says of it.
    fileprivate var attributes: [SpanRecord.Attribute] {
        switch self {
        case .flv: Self.attributes("flv")
        case .initSection(let rendition, _, _): Self.attributes("init_section", rendition)
        case .mediaPlaylist(let rendition): Self.attributes("media_playlist", rendition)
        case .multivariantPlaylist: Self.attributes("multivariant_playlist")
        case .part(let rendition, _, let position):
            Self.attributes("part", rendition, position.msn)
                + [SpanRecord.Attribute("millrace.part", .number(Int64(position.part)))]
        case .segment(let rendition, _, let msn): Self.attributes("segment", rendition, msn)
        }
    }

    private static func attributes(
        _ word: String, _ rendition: RenditionName? = nil, _ msn: UInt64? = nil
    ) -> [SpanRecord.Attribute] {
        var attributes = [SpanRecord.Attribute("millrace.resource", .text(word))]
        if let rendition { attributes.append(SpanRecord.Attribute("millrace.rendition", .text("\(rendition)"))) }
        if let msn { attributes.append(SpanRecord.Attribute("millrace.msn", .number(Int64(clamping: msn)))) }
        return attributes
    }
}
