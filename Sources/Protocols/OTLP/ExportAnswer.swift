// SPDX-License-Identifier: Apache-2.0

/// What a collector said to a request (OTLP/HTTP, "OTLP/HTTP Response").
public enum ExportAnswer: Hashable, Sendable {
    /// It has the spans, but for so many that it will never take.
    case accepted(rejected: Int)
    /// It does not take them now; carries how long it asks to be left alone, where it says so.
    case later(Duration?)
    /// It will never take them.
    case refused

    /// Reads an answer.
    /// - Parameters:
    ///   - retryAfter: the value of Retry-After; only seconds are understood (RFC 9110 §10.2.3).
    ///   - body: an `ExportTraceServiceResponse` in JSON.
    public init(status: Int, retryAfter: String? = nil, body: [UInt8] = []) {
        switch status {
        case 200..<300: self = .accepted(rejected: Self.rejected(in: body))
        case 429, 502, 503, 504: self = .later(retryAfter.flatMap { Int($0) }.map { .seconds(min(max($0, 0), 3600)) })
        default: self = .refused
        }
    }

    /// The number behind `rejectedSpans`, with or without the quotes of a 64-bit integer; 0 where there is none.
    private static func rejected(in body: [UInt8]) -> Int {
        let key = Array("\"rejectedSpans\"".utf8)
        guard body.count >= key.count,
            let start = (0...(body.count - key.count)).first(where: { body[$0...].starts(with: key) })
        else { return 0 }
        let digits = body[(start + key.count)...].drop { [0x20, 0x22, 0x3A].contains($0) }
            .prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return Int(String(decoding: digits.prefix(9), as: UTF8.self)) ?? 0
    }
}
