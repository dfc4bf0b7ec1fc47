// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Transport

/// `log.…`
public struct LogSettings: Sendable, Equatable {
    /// The lowest level that is written.
    public var level = LogLevel.info
    /// How a record is written.
    public var format = LogFormatChoice.auto

    /// The defaults.
    public init() {}
}

/// The levels of swift-log, by their names.
public enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}

/// How log records are written.
public enum LogFormatChoice: String, Sendable, CaseIterable {
    /// Text on a terminal, JSON otherwise.
    case auto
    case text, json
}

/// `http.…`
public struct HTTPSettings: Sendable, Equatable {
    /// The address to listen at.
    public var host = "::"
    /// The port; 0 lets the kernel choose.
    public var port = 8080
    /// The certificate, if there is one.
    public var tls = TLSSettings()
    /// Connections at once.
    public var maximumConnections = 20_000
    /// From the first byte of a request's head to its last.
    public var headTimeout = Duration.seconds(5)
    /// The size of a request's head.
    public var maximumHead = ByteCount.kibibytes(16)
    /// Silence between requests.
    public var idleTimeout = Duration.seconds(60)
    /// How long an answer may wait for a peer that takes nothing.
    public var stallTimeout = Duration.seconds(15)

    /// The defaults.
    public init() {}
}

/// `http.tls.…`
public struct TLSSettings: Sendable, Equatable {
    /// A PEM file with the certificate and its chain.
    public var certificate: String?
    /// A PEM file with its private key.
    public var key: String?

    /// The defaults.
    public init() {}
}

/// `rtmp.…`
public struct RTMPSettings: Sendable, Equatable {
    /// The address to listen at.
    public var host = "::"
    /// The port; 0 lets the kernel choose.
    public var port = 1935
    /// The port for RTMPS, used when there is a certificate; 0 for none.
    public var tlsPort = 1936
    /// Connections of each port at once.
    public var maximumConnections = 2000
    /// The size of a message put together.
    public var maximumMessage = ByteCount.mebibytes(8)
    /// Chunk streams of a connection.
    public var maximumChunkStreams = 64
    /// Objects within objects in a command.
    public var amfDepth = 16
    /// From accept to the end of the handshake.
    public var handshakeTimeout = Duration.seconds(5)
    /// From the handshake to the command that makes a publisher or a viewer.
    public var commandTimeout = Duration.seconds(10)
    /// A publisher's silence.
    public var idleTimeout = Duration.seconds(15)

    /// The defaults.
    public init() {}
}

/// `limits.…`
public struct LimitSettings: Sendable, Equatable {
    /// New connections a second from one address.
    public var connectionsPerAddress = 20
    /// Networks to which that does not apply.
    public var trustedAddresses = [AddressPrefix].loopback
    /// Viewers of the node.
    public var viewers = 20_000
    /// Live streams of the node.
    public var streams = 1000

    /// The defaults.
    public init() {}
}

/// `shutdown.…`
public struct ShutdownSettings: Sendable, Equatable {
    /// From SIGTERM to the end.
    public var timeout = Duration.seconds(5)

    /// The defaults.
    public init() {}
}
