// SPDX-License-Identifier: Apache-2.0

public import Traces

/// Writes spans as the body of an OTLP/HTTP request in JSON (OpenTelemetry Protocol 1.x, `ExportTraceServiceRequest`): keys
/// in lowerCamelCase, names of traces and spans in hexadecimal, enumerations as numbers, 64-bit integers as texts.
public struct TraceRequestEncoder: Sendable {
    private let opening: String

    /// A writer for one node.
    /// - Parameter resource: what is said of the node: `service.name`, `service.instance.id` and the like.
    public init(resource: [SpanRecord.Attribute]) {
        var text = "{\"resourceSpans\":[{\"resource\":{"
        text.append(attributes: resource)
        text += "},\"scopeSpans\":[{\"scope\":{\"name\":\"millrace\"},\"spans\":["
        opening = text
    }

    /// The media type of a body.
    public static let mediaType = "application/json"

    /// The body for some spans.
    public func body(of spans: [SpanRecord]) -> [UInt8] {
        var text = opening
        for (index, span) in spans.enumerated() {
            if index > 0 { text += "," }
            text.append(span)
        }
        return Array((text + "]}]}]}").utf8)
    }
}

extension String {
    fileprivate mutating func append(_ span: SpanRecord) {
        self += "{\"traceId\":\"\(span.context.trace)\",\"spanId\":\"\(span.context.span)\""
        if let parent = span.parent { self += ",\"parentSpanId\":\"\(parent)\"" }
        self += ",\"name\":"
        append(quoted: span.name)
        self += ",\"kind\":\(span.kind.number),\"startTimeUnixNano\":\"\(span.start.nanoseconds)\""
        self += ",\"endTimeUnixNano\":\"\(span.end.nanoseconds)\",\"flags\":\(span.context.isSampled ? 1 : 0),"
        append(attributes: span.attributes)
        if !span.links.isEmpty {
            let links = span.links.map { "{\"traceId\":\"\($0.trace)\",\"spanId\":\"\($0.span)\"}" }
            self += ",\"links\":[\(links.joined(separator: ","))]"
        }
        if let failure = span.failure {
            self += ",\"status\":{\"code\":2,\"message\":"
            append(quoted: failure)
            self += "}"
        }
        self += "}"
    }

    fileprivate mutating func append(attributes: [SpanRecord.Attribute]) {
        self += "\"attributes\":["
        for (index, attribute) in attributes.enumerated() {
            if index > 0 { self += "," }
            self += "{\"key\":"
            append(quoted: attribute.key)
            self += ",\"value\":{"
            switch attribute.value {
            case .flag(let flag): self += "\"boolValue\":\(flag)"
            case .number(let number): self += "\"intValue\":\"\(number)\""
            case .text(let text):
                self += "\"stringValue\":"
                append(quoted: text)
            }
            self += "}}"
        }
        self += "]"
    }

    /// Appends a JSON string, RFC 8259 §7.
    fileprivate mutating func append(quoted text: String) {
        self += "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: self += "\\\""
            case 0x5C: self += "\\\\"
            case 0..<0x20, 0x7F:
                let digits = String(scalar.value, radix: 16)
                self += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: unicodeScalars.append(scalar)
            }
        }
        self += "\""
    }
}

extension SpanRecord.Kind {
    /// `Span.SpanKind` of the protocol's schema.
    fileprivate var number: Int {
        switch self {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }
}
