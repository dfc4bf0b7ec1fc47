// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Transport

/// How a node serves sessions over UDP.
public struct RealTimeSettings: Sendable {
    /// The address of the port; `::` takes IPv4 as well.
    public var address = IPAddress.v6(0, 0)
    /// The one UDP port of all sessions; 0 lets the kernel choose.
    public var port = 8000
    /// How many threads share the port.
    public var threads = 1
    /// The addresses that answers name; empty for those of the machine.
    public var publicAddresses: [IPAddress] = []
    /// URLs of STUN and TURN servers that clients are told of.
    public var iceServers: [String] = []
    /// What is shared with the TURN servers, as coturn's `static-auth-secret`; nil names no TURN server to anybody.
    public var turnSecret: String?
    /// How long the credentials for TURN are good.
    public var turnLife: Duration = .seconds(86_400)
    /// How many sessions may be asked for and not connected yet: each costs up to 41 KB while its handshake lasts.
    public var maximumUnconnected = 1000
    /// How many sessions one address may ask for in a second.
    public var offersPerAddress = 50
    /// Addresses to which that does not apply.
    public var trustedAddresses: [Transport.AddressPrefix] = []
    /// From the answer to the first check.
    public var connectTimeout: Duration = .seconds(10)
    /// From the last sign of life to the end.
    public var consentTimeout: Duration = .seconds(30)
    /// How old a publisher's last random access point may be before it is asked for another: browsers send none by
    /// themselves, and segments begin at them.
    public var randomAccessInterval: Duration = .seconds(2)

    /// The program that makes Opus of AAC for viewers, ffmpeg by its name or path; nil answers them without that sound.
    public var transcoder: String? = "ffmpeg"
    /// The streams of which it does at a time; viewers of others are answered without that sound.
    public var transcoders = 64

    /// The defaults.
    public init() {}
}
