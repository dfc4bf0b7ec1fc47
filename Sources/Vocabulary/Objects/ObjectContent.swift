// SPDX-License-Identifier: Apache-2.0

/// What is written under a key.
public struct ObjectContent: Hashable, Sendable {
    /// The whole content.
    public let bytes: [UInt8]
    /// The `Content-Type` with which the store serves it.
    public let mediaType: String
    /// The `Cache-Control` with which the store serves it; nil for none.
    public let cacheControl: String?
    /// Its SHA-256, 32 bytes, where somebody has computed it already, as the feed does for segments.
    public let sha256: [UInt8]?

    /// Content with its description.
    public init(_ bytes: [UInt8], mediaType: String, cacheControl: String? = nil, sha256: [UInt8]? = nil) {
        precondition(sha256.map { $0.count == 32 } ?? true, "a SHA-256 has 32 bytes")
        self.bytes = bytes
        self.mediaType = mediaType
        self.cacheControl = cacheControl
        self.sha256 = sha256
    }
}
