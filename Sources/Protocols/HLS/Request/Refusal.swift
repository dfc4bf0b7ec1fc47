// SPDX-License-Identifier: Apache-2.0

/// A request that gets nothing.
public enum Refusal: Hashable, Sendable {
    /// The request makes no sense, or asks for what is too far ahead (400).
    case badRequest
    /// There is no such thing (404).
    case notFound
    /// It should have come and has not (503).
    case unavailable

    /// The status (RFC 9110 §15).
    public var status: Int {
        switch self {
        case .badRequest: 400
        case .notFound: 404
        case .unavailable: 503
        }
    }

    /// How long the refusal may be kept.
    public var cachePolicy: CachePolicy { self == .notFound ? .brief : .never }

    /// Seconds for Retry-After (RFC 9110 §10.2.3); nil where trying again makes no sense.
    public var retryAfter: Int? { self == .unavailable ? 1 : nil }
}
