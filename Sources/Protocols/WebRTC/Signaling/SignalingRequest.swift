// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// What of an HTTP request matters to WHIP and WHEP.
public struct SignalingRequest: Hashable, Sendable {
    /// The methods that mean something here.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        case delete = "DELETE"
        case get = "GET"
        case head = "HEAD"
        case options = "OPTIONS"
        case patch = "PATCH"
        case post = "POST"
    }

    /// The method; nil for any other.
    public var method: Method?
    /// Content-Type.
    public var contentType: String?
    /// Accept.
    public var accept: String?
    /// If-Match.
    public var ifMatch: String?
    /// The body, whole.
    public var body: ByteSlice

    /// A request of its parts.
    public init(
        method: Method?, contentType: String? = nil, accept: String? = nil, ifMatch: String? = nil,
        body: ByteSlice = []
    ) {
        self.method = method
        self.contentType = contentType
        self.accept = accept
        self.ifMatch = ifMatch
        self.body = body
    }

    /// Whether the body is of a media type, whatever its parameters (RFC 9110 §8.3.1).
    func hasContent(_ type: String) -> Bool {
        contentType?.split(separator: ";").first.map { $0.trimmed.lowercased() } == type
    }

    /// Whether an answer of a media type is welcome, RFC 9110 §12.5.1: one of the ranges covers it, and not with `q=0`.
    func accepts(_ type: String) -> Bool {
        guard let accept, !accept[...].trimmed.isEmpty else { return true }
        let family = type.prefix { $0 != "/" } + "/*"
        for range in accept.split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.trimmed.lowercased() }
            guard let name = parts.first, name == type || name == family || name == "*/*" else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { $0.dropFirst(2) } ?? "1"
            if weight.contains(where: { $0 != "0" && $0 != "." }) { return true }
        }
        return false
    }
}

/// The media types of WHIP and WHEP.
enum SignalingMediaType {
    static let sessionDescription = "application/sdp"
    static let trickleFragment = "application/trickle-ice-sdpfrag"
    static let problem = "application/problem+json"
}
