// SPDX-License-Identifier: Apache-2.0

import Identity
import Testing
import Traces

@Suite("traceparent")
struct TraceContextTests {
    private static let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test("is read and written as W3C Trace Context has it")
    func roundTrip() throws {
        let context = try #require(TraceContext(parsing: Self.text.utf8))
        #expect(context.trace == TraceID(high: 0x4bf9_2f35_77b3_4da6, low: 0xa3ce_929d_0e0e_4736))
        #expect(context.span == SpanID(number: 0x00f0_67aa_0ba9_02b7))
        #expect(context.isSampled)
        #expect(context.description == Self.text)
    }

    @Test(
        "says by its flags whether it is sampled",
        arguments: [("00", false), ("01", true), ("02", false), ("03", true), ("ff", true)])
    func flags(text: String, isSampled: Bool) {
        #expect(TraceContext(parsing: (Self.text.dropLast(2) + text).utf8)?.isSampled == isSampled)
    }

    @Test("of a higher version is read as far as it is known")
    func higherVersion() {
        #expect(TraceContext(parsing: ("01" + Self.text.dropFirst(2)).utf8) != nil)
        #expect(TraceContext(parsing: ("cc" + Self.text.dropFirst(2) + "-what-is-new").utf8) != nil)
        #expect(TraceContext(parsing: ("cc" + Self.text.dropFirst(2) + "x").utf8) == nil)
    }

    @Test(
        "that is not one is passed over",
        arguments: [
            "", "00", Self.text + "-", Self.text + "-00", "ff" + Self.text.dropFirst(2), Self.text.uppercased(),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        ])
    func invalid(text: String) {
        #expect(TraceContext(parsing: text.utf8) == nil)
    }

    @Test("cut anywhere is passed over")
    func truncated() {
        for length in 0..<Self.text.utf8.count { #expect(TraceContext(parsing: Self.text.utf8.prefix(length)) == nil) }
    }
}

@Suite("A segment's trace")
struct SegmentTraceTests {
    private let term = Term(number: 1_700_000_000_000, salt: 7)

    private func stream(_ name: String) throws -> StreamTrace { StreamTrace(try StreamID(app: "live", name: name)) }

    @Test("has the same names on every node")
    func same() throws {
        let east = try stream("cam").segment(17, in: term)
        #expect(try stream("cam").segment(17, in: term) == east)
        // Pinned: nodes of different versions must agree.
        #expect(east.id.description == "445737b788c329f34d4c1eb3270a108d")
        let node = try #require(NodeID(parsing: "east-o1"))
        #expect(east.holding(at: node).span.description == "3443da5912e8e53f")
    }

    @Test("is another for another stream, term or number")
    func different() throws {
        let all = [
            try stream("cam").segment(17, in: term), try stream("cam").segment(18, in: term),
            try stream("cam2").segment(17, in: term),
            try stream("cam").segment(17, in: Term(number: 1_700_000_000_001, salt: 7)),
            try stream("cam").segment(17, in: Term(number: 1_700_000_000_000, salt: 8)),
        ]
        #expect(Set(all).count == all.count)
        #expect(Set(all.map(\.id.high)).count == all.count)
    }

    @Test("has a span for each node, part and step")
    func spans() throws {
        let trace = try stream("cam").segment(17, in: term)
        let nodes = try ["a", "b", "c"].map { try #require(NodeID(parsing: $0)) }
        let holding = nodes.map { trace.holding(at: $0).span }
        let parts = nodes.flatMap { node in
            (0..<8).flatMap { part in [0, 1].map { trace.span(ofPart: part, step: $0, at: node) } }
        }
        #expect(Set(holding + parts).count == 3 + 3 * 8 * 2)
    }
}

@Suite("Sampling")
struct TraceSamplingTests {
    @Test("takes the share that it is told, of segments in a row", arguments: [1, 2, 10, 100])
    func share(one: Int) throws {
        let stream = StreamTrace(try StreamID(app: "live", name: "cam"))
        let sampling = TraceSampling(oneIn: one)
        let count = 20_000
        let taken = (0..<count).count { sampling.takes(stream.segment(UInt64($0), in: Term(number: 5, salt: 1)).id) }
        let wanted = Double(count) / Double(one)
        // Five standard deviations of a fair coin of that share.
        #expect(abs(Double(taken) - wanted) <= 5 * (wanted * (1 - 1 / Double(one))).squareRoot())
    }

    @Test("by a smaller share takes some of what a larger one does")
    func nested() throws {
        let stream = StreamTrace(try StreamID(app: "live", name: "cam"))
        for msn in 0..<5000 {
            let id = stream.segment(UInt64(msn), in: Term(number: 5, salt: 1)).id
            if TraceSampling(oneIn: 100).takes(id) { #expect(TraceSampling(oneIn: 10).takes(id)) }
        }
    }
}
