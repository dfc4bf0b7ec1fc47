// SPDX-License-Identifier: Apache-2.0

public import Identity
import Signing

/// What all answers of a stream have in common for a CDN that forgets by key ("Surrogate-Key" at Fastly, "Cache-Tag"
/// elsewhere, by a rule of its own).
public struct SurrogateKey: Hashable, Sendable {
    /// `app/name`, escaped: without blanks, which divide keys.
    public let text: String

    /// The key of a stream.
    public init(_ stream: StreamID) { text = PercentEncoding.path(stream.description) }
}
