// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Limits of HTTP connections. Each is counted when it is reached.
public struct WebSettings: Sendable, Equatable {
    /// The longest head of a request, over which it is refused with 431, or 414 if its first line alone is longer.
    public var maximumHead = ByteCount.kibibytes(16)
    /// How long a head may take from its first byte to its last, then 408. Measured in steps of half a second.
    public var headTimeout = Duration.seconds(5)
    /// How long a connection may be open without a request.
    public var idleTimeout = Duration.seconds(60)
    /// How long bytes may wait to be sent without one of them leaving.
    public var stallTimeout = Duration.seconds(15)
    /// How long a TLS handshake may take.
    public var handshakeTimeout = Duration.seconds(5)
    /// How many bytes of further requests are read while one waits; then reading pauses.
    public var maximumPipelined = ByteCount.kibibytes(32)
    /// How many bytes may be on their way in a stream before `isWritable` turns false; it is true again at half.
    public var writeHighWater = ByteCount.kibibytes(256)
    /// HTTP/2 streams open at once on a connection: SETTINGS_MAX_CONCURRENT_STREAMS, RFC 9113 §6.5.2.
    public var maximumStreams = 100
    /// Streams that a peer may reset within 30 s before its connection is closed: CVE-2023-44487.
    public var maximumResets = 200

    /// Settings with their defaults.
    public init() {}
}
