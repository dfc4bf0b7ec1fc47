// SPDX-License-Identifier: Apache-2.0

/// `webrtc.…`
public struct WebRTCSettings: Sendable, Equatable {
    /// Whether WHIP and WHEP are served.
    public var enabled = true
    /// The address of the UDP port.
    public var host = "::"
    /// The UDP port of all sessions; 0 lets the kernel choose.
    public var port = 8000
    /// The TCP port of sessions whose clients have no UDP; 0 for none.
    public var tcpPort = 0
    /// Connections there at once.
    public var maximumConnections = 4096
    /// The threads that share the UDP port; nil for one a processor.
    public var threads: Int?
    /// The addresses that answers name; empty for those of the machine.
    public var publicAddresses: [String] = []
    /// STUN and TURN servers that clients are told of.
    public var iceServers: [String] = []
    /// What is shared with the TURN servers.
    public var turnSecret: SecretText?
    /// The life of credentials for TURN.
    public var turnLife = Duration.seconds(86_400)
    /// Sessions asked for and not connected.
    public var maximumUnconnected = 1000
    /// Offers a second from one address.
    public var offersPerAddress = 50
    /// From the answer to the first check.
    public var connectTimeout = Duration.seconds(10)
    /// From the last sign of life to the end.
    public var consentTimeout = Duration.seconds(30)
    /// How old a publisher's last random access point gets before it is asked for another.
    public var randomAccessInterval = Duration.seconds(2)

    /// The program that makes Opus of AAC; nil for none.
    public var transcoder: String? = "ffmpeg"
    /// The streams of which it does at a time.
    public var transcoders = 64

    /// The defaults.
    public init() {}
}
