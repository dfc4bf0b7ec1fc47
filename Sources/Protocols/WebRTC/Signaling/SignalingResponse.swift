// SPDX-License-Identifier: Apache-2.0

/// An HTTP response of WHIP or WHEP, whole.
public struct SignalingResponse: Hashable, Sendable {
    /// A header field.
    public struct Field: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The value.
        public let value: String

        /// A field of its parts.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The status code.
    public let status: Int
    /// The header fields but Content-Length, in order; a name may come several times.
    public private(set) var fields: [Field]
    /// The body.
    public let body: [UInt8]

    /// A response of its parts, with the fields of CORS that all responses bear: the endpoints are reached by pages from
    /// anywhere, which show a token and no cookie.
    init(_ status: Int, _ fields: [(String, String)] = [], body: String = "") {
        self.status = status
        self.fields = (fields + Self.crossOrigin).map { Field(name: $0.0, value: $0.1) }
        self.body = Array(body.utf8)
    }

    /// The same with one more field, where there is one.
    public func adding(_ field: Field?) -> SignalingResponse {
        var response = self
        if let field { response.fields.append(field) }
        return response
    }

    /// The value of the first field of a name, whose case does not matter.
    public func value(of name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    private static let crossOrigin = [
        ("Access-Control-Allow-Origin", "*"),
        (
            "Access-Control-Expose-Headers",
            "Location, ETag, Link, Accept-Patch, Accept-Post, Retry-After, X-Millrace-Note"
        ),
    ]
}

extension SignalingResponse {
    /// A refusal with a sentence, as RFC 9457 writes it.
    public static func problem(
        _ status: Int, _ detail: String, _ fields: [(String, String)] = []
    ) -> SignalingResponse {
        let title = titles[status] ?? "Refused"
        return SignalingResponse(
            status, [("Content-Type", SignalingMediaType.problem), ("Cache-Control", "no-store")] + fields,
            body: #"{"title":"# + quoted(title) + #","status":\#(status),"detail":"# + quoted(detail) + "}")
    }

    /// The answer to a body that could not be read.
    public static func refused(_ failure: SDPFailure) -> SignalingResponse { problem(400, failure.description) }

    /// The answer to an offer that can not be served.
    public static func refused(_ refusal: OfferRefusal) -> SignalingResponse {
        problem(refusal.status, refusal.description)
    }

    /// The answer for a session that is not there, or not any more.
    public static var unknownSession: SignalingResponse { problem(404, "there is no such session") }

    /// A text in JSON, RFC 8259 §7.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// The names of the status codes, RFC 9110 §15 and RFC 6585.
    private static let titles = [
        400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
        406: "Not Acceptable", 409: "Conflict", 412: "Precondition Failed", 413: "Content Too Large",
        415: "Unsupported Media Type", 422: "Unprocessable Content", 428: "Precondition Required",
        429: "Too Many Requests", 503: "Service Unavailable",
    ]
}

extension Duration {
    /// Whole seconds, rounded up, at least 1: for Retry-After (RFC 9110 §10.2.3).
    var retryAfter: String {
        let (seconds, rest) = components
        return String(max(1, seconds + (rest > 0 ? 1 : 0)))
    }
}
