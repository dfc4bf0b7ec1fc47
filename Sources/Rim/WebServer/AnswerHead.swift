// SPDX-License-Identifier: Apache-2.0

import NIOHPACK

/// All of an answer's head that does not depend on the request, rendered once and used for as many answers as wanted.
///
/// The door adds Date, Content-Length, Content-Range and Connection.
public final class AnswerHead: Sendable {
    /// The status, RFC 9110 §15.
    public let status: Int
    /// The entity tag with its quotes, `"abc"`; it makes conditional requests work.
    public let etag: String?
    /// The lines between status line and Date of HTTP/1, each with its CR LF.
    let lines: [UInt8]
    /// Those of the lines that a 304 repeats: RFC 9110 §15.4.5.
    let validatingLines: [UInt8]
    /// The fields by themselves, as HTTP/2 sends them.
    let fields: [Field]
    let validatingFields: [Field]

    typealias Field = (name: String, value: String)

    /// Renders a head. Times are rounded up to whole seconds. `varies` says that the answer depends on Accept-Encoding
    /// (RFC 9110 §12.5.5); `isShared` that pages of any origin may read it, as players are pages. Values must be free of line ends: that is our own mistake, and stops the process.
    public init(
        status: Int, contentType: String? = nil, cacheControl: String, etag: String? = nil,
        contentEncoding: String? = nil, varies: Bool = false, retryAfter: Duration? = nil,
        isShared: Bool = true, extra: [(name: String, value: String)] = []
    ) {
        precondition((200...599).contains(status), "no final status: \(status)")
        self.status = status
        self.etag = etag
        var validating: [Field] = [("Cache-Control", cacheControl)]
        if let etag { validating.append(("ETag", etag)) }
        if varies || contentEncoding != nil { validating.append(("Vary", "Accept-Encoding")) }
        if isShared { validating += Self.sharing }
        var fields = validating
        if let contentType { fields.append(("Content-Type", contentType)) }
        if let contentEncoding { fields.append(("Content-Encoding", contentEncoding)) }
        if let retryAfter { fields.append(("Retry-After", String(retryAfter.wholeSeconds))) }
        if status == 200 { fields.append(("Accept-Ranges", "bytes")) }
        fields += extra
        for field in fields {
            let isClean = field.name.utf8.allSatisfy(\.isToken) && field.value.utf8.allSatisfy(\.isFieldValue)
            precondition(isClean, "not a field: \(field)")
        }
        self.fields = fields
        validatingFields = validating
        lines = Self.render(fields)
        validatingLines = Self.render(validating)
    }

    private static func render(_ fields: [Field]) -> [UInt8] {
        fields.reduce(into: []) { lines, field in lines += Array("\(field.name): \(field.value)\r\n".utf8) }
    }

    private static let sharing: [Field] = [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "Content-Length, Content-Range, Date, ETag, Retry-After"),
    ]
}

extension Duration {
    /// Seconds, rounded up.
    var wholeSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}

extension AnswerHead {
    /// The answer to a CORS preflight for media: Fetch standard §3.2.2; valid for a day.
    static let preflight = AnswerHead(
        status: 204, cacheControl: "no-store",
        extra: [
            ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
            ("Access-Control-Allow-Headers", "Authorization, If-None-Match, If-Range, Range"),
            ("Access-Control-Max-Age", "86400"),
        ]
    )

    /// The answer to a range that lies outside of the body: RFC 9110 §15.5.17.
    static let unsatisfiable = AnswerHead(status: 416, cacheControl: "no-store")
}
