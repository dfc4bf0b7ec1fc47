// SPDX-License-Identifier: Apache-2.0

public import Transport

/// `publisher.…`
public struct PublisherSettings: Sendable, Equatable {
    /// How long a stream waits for its publisher to return.
    public var grace = Duration.seconds(15)
    /// What happens to a second publisher on a live name.
    public var takeover = TakeoverRule.refuse
    /// How long video may come without a random access point.
    public var randomAccessTimeout = Duration.seconds(20)
    /// Publishers of the node.
    public var maximum = 1000

    /// The defaults.
    public init() {}
}

/// What happens to a second publisher with another token on a live name.
public enum TakeoverRule: String, Sendable, CaseIterable {
    /// The second is refused.
    case refuse
    /// The second replaces the first.
    case allow
}

/// `hls.…`
public struct HLSSettings: Sendable, Equatable {
    /// The set of defaults.
    public var profile = HLSProfile.standard
    /// The segment target, nil for the profile's.
    public var segment: Duration?
    /// The part target, nil for the profile's.
    public var part: Duration?
    /// Whole segments in a playlist.
    public var window = 10

    /// The defaults.
    public init() {}

    /// The segment target in force.
    public var segmentTarget: Duration { segment ?? profile.segment }
    /// The part target in force.
    public var partTarget: Duration { part ?? profile.part }
}

/// Sets of segment and part targets.
public enum HLSProfile: String, Sendable, CaseIterable {
    /// 2 s and 500 ms: under 1.7 s behind live at five requests a second and viewer.
    case standard = "default"
    /// 2 s and 200 ms: under 0.9 s behind live at twice the requests.
    case lowLatency = "low-latency"
    /// 4 s and 1 s: what Apple's authoring specification recommends.
    case apple

    /// The profile's segment target.
    public var segment: Duration { self == .apple ? .seconds(4) : .seconds(2) }

    /// The profile's part target.
    public var part: Duration {
        switch self {
        case .standard: .milliseconds(500)
        case .lowLatency: .milliseconds(200)
        case .apple: .seconds(1)
        }
    }
}

/// `play.…`
public struct PlaySettings: Sendable, Equatable {
    /// How far an FLV or RTMP viewer may be behind.
    public var maximumLag = Duration.seconds(2)
    /// How long an FLV or RTMP viewer may take nothing.
    public var stallLimit = Duration.seconds(10)

    /// The defaults.
    public init() {}
}

/// `access.…`
public struct AccessSettings: Sendable, Equatable {
    /// The key that signs tokens, nil for one made at start.
    public var secret: SecretText?
    /// Whether a direct caller from this machine needs no token.
    public var trustLoopback = true
    /// Whether publishing needs a token.
    public var publish = PublishRule.token
    /// Apps whose viewers need a token.
    public var viewerApps: [String] = []
    /// How long media requests outlive a viewer token.
    public var tokenLinger = Duration.seconds(600)
    /// The life of a publish token that asks for none.
    public var publishTokenLife = Duration.seconds(3600)
    /// The longest life of a publish token.
    public var publishTokenLifeMaximum = Duration.seconds(86_400)
    /// Networks that may read the metrics.
    public var metricsAddresses = [AddressPrefix].local

    /// The defaults.
    public init() {}
}

/// Whether publishing needs a token.
public enum PublishRule: String, Sendable, CaseIterable {
    /// A token, or the trust of `access.trust_loopback`.
    case token
    /// Anyone.
    case open
}

/// `page.…`
public struct PageSettings: Sendable, Equatable {
    /// Whether `/` and `/watch/…` are served.
    public var enabled = true
    /// A file or URL of hls.js, nil for the browser's own player only.
    public var hlsScript: String?
    /// The script's integrity value.
    public var hlsScriptIntegrity: String?

    /// The defaults.
    public init() {}
}
