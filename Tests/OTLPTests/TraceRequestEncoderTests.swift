// SPDX-License-Identifier: Apache-2.0

import Foundation
import OTLP
import Testing
import Traces

@Suite("OTLP in JSON")
struct TraceRequestEncoderTests {
    private func context(_ span: UInt64, trace: UInt64 = 0x5B8E_FFF7_98038103) throws -> TraceContext {
        TraceContext(
            trace: try #require(TraceID(high: trace, low: 0xD269_B633_813F_C60C)),
            span: try #require(SpanID(number: span)))
    }

    private func time(_ nanoseconds: UInt64) -> TraceTime { TraceTime(nanoseconds: nanoseconds) }

    private func json(_ spans: [SpanRecord]) throws -> [String: Any] {
        let encoder = TraceRequestEncoder(resource: [SpanRecord.Attribute("service.name", .text("millrace"))])
        return try #require(
            try JSONSerialization.jsonObject(with: Data(encoder.body(of: spans))) as? [String: Any])
    }

    private func spans(_ spans: [SpanRecord]) throws -> [[String: Any]] {
        let resources = try #require(try json(spans)["resourceSpans"] as? [[String: Any]])
        #expect(resources.count == 1)
        let scopes = try #require(resources[0]["scopeSpans"] as? [[String: Any]])
        return try #require(scopes[0]["spans"] as? [[String: Any]])
    }

    @Test("is, letter by letter, what the protocol's example is")
    func example() throws {
        let encoder = TraceRequestEncoder(resource: [SpanRecord.Attribute("service.name", .text("my.service"))])
        let span = SpanRecord(
            "I'm a server span", .server, try context(0xEEE1_9B7E_C3C1_B174),
            parent: SpanID(number: 0xEEE1_9B7E_C3C1_B173), from: time(1_544_712_660_000_000_000),
            to: time(1_544_712_661_000_000_000), [SpanRecord.Attribute("my.span.attr", .text("some value"))])
        let expected =
            #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my.service"}}]},"#
            + #""scopeSpans":[{"scope":{"name":"millrace"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","#
            + #""spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"I'm a server span","kind":2,"#
            + #""startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","flags":1,"#
            + #""attributes":[{"key":"my.span.attr","value":{"stringValue":"some value"}}]}]}]}]}"#
        #expect(String(decoding: encoder.body(of: [span]), as: UTF8.self) == expected)
    }

    @Test(
        "numbers kinds as the schema does",
        arguments: [
            (SpanRecord.Kind.internal, 1), (.server, 2), (.client, 3), (.producer, 4), (.consumer, 5),
        ])
    func kinds(kind: SpanRecord.Kind, number: Int) throws {
        let span = SpanRecord("a", kind, try context(1), parent: nil, from: time(1), to: time(2))
        #expect(try spans([span])[0]["kind"] as? Int == number)
    }

    @Test("writes each value by its type, links and failures")
    func values() throws {
        let span = SpanRecord(
            "a", .internal, try context(1), parent: nil, from: time(5), to: time(2),
            [
                SpanRecord.Attribute("t", .text("x")), SpanRecord.Attribute("n", .number(-7)),
                SpanRecord.Attribute("f", .flag(true)),
            ], links: [try context(9, trace: 3)], failure: "no")
        let encoder = TraceRequestEncoder(resource: [])
        let text = String(decoding: encoder.body(of: [span]), as: UTF8.self)
        #expect(
            text.contains(
                #""attributes":[{"key":"t","value":{"stringValue":"x"}},{"key":"n","value":{"intValue":"-7"}},"#
                    + #"{"key":"f","value":{"boolValue":true}}],"#))
        #expect(
            text.contains(
                #""links":[{"traceId":"0000000000000003d269b633813fc60c","spanId":"0000000000000009"}],"#
                    + #""status":{"code":2,"message":"no"}}"#))
        let written = try spans([span])[0]
        #expect(written["parentSpanId"] == nil)
        #expect(written["endTimeUnixNano"] as? String == "5")
    }

    @Test("escapes what would end a text", arguments: ["\"", "\\", "\n\u{0}\u{1F}\u{7F}", "é🎥\u{2028}"])
    func escapes(text: String) throws {
        let span = SpanRecord(
            text, .internal, try context(1), parent: nil, from: time(1), to: time(2),
            [SpanRecord.Attribute(text, .text(text))])
        let written = try spans([span, span])
        #expect(written.map { $0["name"] as? String } == [text, text])
    }
}

@Suite("A collector's answer")
struct ExportAnswerTests {
    @Test(
        "means what OTLP says that it does",
        arguments: [
            (200, nil, "{}", .accepted(rejected: 0)), (200, nil, "", .accepted(rejected: 0)),
            (200, nil, #"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#, .accepted(rejected: 3)),
            (200, nil, #"{"partialSuccess": {"rejectedSpans" : 12}}"#, .accepted(rejected: 12)),
            (200, nil, #"{"partialSuccess":{"rejectedSpans":99999999999999999999}}"#, .accepted(rejected: 999_999_999)),
            (400, nil, "", .refused), (401, nil, "", .refused), (404, nil, "", .refused), (500, nil, "", .refused),
            (301, nil, "", .refused), (429, "7", "", .later(.seconds(7))), (503, nil, "", .later(nil)),
            (502, "soon", "", .later(nil)), (504, "-5", "", .later(.zero)),
            (503, "99999999", "", .later(.seconds(3600))),
        ] as [(Int, String?, String, ExportAnswer)])
    func reading(status: Int, retryAfter: String?, body: String, answer: ExportAnswer) {
        #expect(ExportAnswer(status: status, retryAfter: retryAfter, body: Array(body.utf8)) == answer)
    }

    @Test("cut anywhere is read without harm")
    func truncated() {
        let body = Array(#"{"partialSuccess":{"rejectedSpans":"3"}}"#.utf8)
        for length in 0...body.count {
            guard case .accepted(let rejected) = ExportAnswer(status: 200, body: Array(body.prefix(length))) else {
                Issue.record("not accepted at \(length)")
                continue
            }
            #expect(rejected == 0 || rejected == 3)
        }
    }
}
