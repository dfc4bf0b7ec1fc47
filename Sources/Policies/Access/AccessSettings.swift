// SPDX-License-Identifier: Apache-2.0

/// Who may enter, as an operator sets it.
public struct AccessSettings: Hashable, Sendable {
    /// A local caller (see ``Caller``) publishes and controls without a token. Off in production, where a proxy on the
    /// same machine may forget to say that it forwards.
    public var trustLoopback = true
    /// What a publisher who is not a trusted local caller must show.
    public var publish = PublishMode.token
    /// Whether somebody else may take over a live name.
    public var takeover = Takeover.refuse
    /// The apps whose streams may be watched with a viewer token only.
    public var viewerTokenApps: Set<String> = []
    /// How long media requests outlive their viewer token: a player fetches the multivariant playlist once and then goes
    /// on for as long as a person watches.
    public var tokenLinger: Duration = .seconds(6 * 3600)
    /// The life of a publish token for which no other was asked.
    public var publishTokenLifetime: Duration = .seconds(3600)
    /// The longest life of a publish token; longer wishes are cut to it.
    public var publishTokenLifetimeLimit: Duration = .seconds(24 * 3600)

    /// The defaults.
    public init() {}

    /// What a publisher must show.
    public enum PublishMode: String, Hashable, Sendable, CaseIterable {
        /// A publish token for the stream.
        case token
        /// Nothing.
        case open
    }

    /// What happens when a different publisher comes to a live name.
    public enum Takeover: String, Hashable, Sendable, CaseIterable {
        /// The new one is refused.
        case refuse
        /// The old one is cut.
        case allow
    }
}
