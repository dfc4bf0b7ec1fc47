// SPDX-License-Identifier: Apache-2.0

/// How long an answer may be kept, by a shared cache as well.
public enum CachePolicy: Hashable, Sendable {
    /// One second: the current playlist, and what is not there.
    case brief
    /// For good: media, whose names never have two contents.
    case immutable
    /// Not at all: refusals, and answers that are there for want of better ones.
    case never
    /// Some seconds: a playlist under the number of its part, which never changes, and the multivariant playlist.
    case seconds(Int)

    /// The value of Cache-Control (RFC 9111 §5.2).
    public var headerText: String {
        switch self {
        case .brief: "public, max-age=1"
        case .immutable: "public, max-age=31536000, immutable"
        case .never: "no-store"
        case .seconds(let seconds): "public, max-age=\(seconds)"
        }
    }
}
