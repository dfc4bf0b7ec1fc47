// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// One answer to a request, with or without its body.
public struct HTTPAnswer: Hashable, Sendable {
    /// The status code.
    public let status: Int
    /// The body, empty where the decoder was told to count only.
    public let body: ByteSlice
    /// The body's length, without the framing of chunks.
    public let size: ByteCount
    /// Whether the connection ends behind it.
    public let isLast: Bool
    /// What it names in `Location`; nil for nothing.
    public let location: String?

    /// An answer of its parts.
    public init(status: Int, body: ByteSlice, size: ByteCount, isLast: Bool = false, location: String? = nil) {
        self.status = status
        self.body = body
        self.size = size
        self.isLast = isLast
        self.location = location
    }
}

/// Why bytes are no HTTP/1.1 answer.
public enum HTTPFailure: Error, Hashable, Sendable {
    /// A chunk's size is no number, or its end is missing.
    case chunk
    /// A head of over 16 KiB.
    case headLength
    /// The body's length is no number, or given twice.
    case length
    /// The first line is no status line of HTTP/1.
    case statusLine
}
