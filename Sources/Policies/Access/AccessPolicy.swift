// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Media

/// Decides who may publish, watch and control. A pure value: the same question has the same answer on every node.
public struct AccessPolicy: Sendable {
    /// What the operator set.
    public let settings: AccessSettings
    /// What tokens are made and checked with.
    public let secret: AccessSecret

    /// A policy of settings and secret.
    public init(settings: AccessSettings, secret: AccessSecret) {
        self.settings = settings
        self.secret = secret
    }

    /// Whether `request` may publish at `now`.
    ///
    /// A trusted local caller, and anybody in the mode `open`, has nothing to prove; a token it sends only says who it
    /// is. An expired token still brings back the publisher who holds the name with it: expiry bounds when a stream may
    /// begin, not how often its encoder may reconnect.
    public func publish(_ request: PublishRequest, now: WallTime) -> PublishDecision {
        let identity = identity(of: request)
        if settings.publish == .open || isTrusted(request.caller) { return .allow(identity) }
        guard let text = request.token else { return .refuse(.tokenMissing) }
        do {
            try PublishToken(parsing: text).verify(for: request.stream, now: now, by: secret)
            return .allow(identity)
        } catch {
            let isBack = identity == request.live || identity.first == request.liveElsewhere
            return error == .expired && isBack ? .allow(identity) : .refuse(.token(error))
        }
    }

    /// What becomes of the publisher who is `live` on a name when `newcomer`, who may publish, comes to it.
    public static func replace(
        live: PublisherIdentity?, by newcomer: PublisherIdentity, takeover: AccessSettings.Takeover
    ) -> ReplaceDecision {
        guard let live else { return .start }
        if live == newcomer { return .resume }
        return takeover == .allow ? .takeOver : .refuse
    }

    /// What becomes of the publisher who is live on a name at another node, of whom the first half of the identity is
    /// known, when `newcomer` comes to it here.
    public static func replace(
        elsewhere: UInt64?, by newcomer: PublisherIdentity, takeover: AccessSettings.Takeover
    ) -> ReplaceDecision {
        guard let elsewhere else { return .start }
        if elsewhere == newcomer.first { return .resume }
        return takeover == .allow ? .takeOver : .refuse
    }

    /// Whether a viewer who shows `token`, the path component with its `~`, may have `resource` of `stream` at `now`.
    ///
    /// Where the app asks for no token a bad one does no harm, and a good one still names the session.
    public func viewer(
        of stream: StreamID, token: (some StringProtocol)?, resource: ViewerResource, now: WallTime
    ) -> ViewerDecision {
        let needed = settings.viewerTokenApps.contains(stream.app)
        guard let token else { return needed ? .refuse(.tokenMissing) : .allow(nil) }
        let linger = resource == .multivariantPlaylist ? .zero : settings.tokenLinger
        do {
            let token = try ViewerToken(parsing: token)
            try token.verify(for: stream, now: now, linger: linger, by: secret)
            return .allow(token.session)
        } catch {
            return needed ? .refuse(.token(error)) : .allow(nil)
        }
    }

    /// The session of a viewer who asks a router for `stream`, showing `token` or nothing, at `now`: the token that all
    /// URLs of its answer bear as their first path component.
    ///
    /// A good token is kept, so that nobody gets more time than it was given, and a session that comes back is the same
    /// one. Where the app asks for none, the viewer gets a session of its own, for as long as media may outlive a token.
    public func session(
        of stream: StreamID, token: (some StringProtocol)?, now: WallTime,
        using random: inout some RandomNumberGenerator
    ) -> SessionDecision {
        let decision = viewer(of: stream, token: token, resource: .multivariantPlaylist, now: now)
        if case .refuse(let refusal) = decision { return .refuse(refusal) }
        if case .allow(.some) = decision, let token, let kept = try? ViewerToken(parsing: token) { return .allow(kept) }
        let expiry = now.advanced(by: settings.tokenLinger)
        return .allow(ViewerToken(for: stream, session: .random(using: &random), until: expiry, by: secret))
    }

    /// Whether `caller`, who shows `token` as its bearer, may do what needs the role `needed` at `now`.
    ///
    /// A trusted local caller is an admin. A token that is shown is checked all the same, so that a person who tries one
    /// out at home learns whether it is good.
    public func control(
        _ needed: ControlRole, token: (some StringProtocol)?, caller: Caller, now: WallTime
    ) -> ControlDecision {
        guard let token else { return isTrusted(caller) ? .allow(.admin) : .refuse(.tokenMissing) }
        do {
            let token = try ControlToken(parsing: token)
            try token.verify(now: now, by: secret)
            return token.role >= needed ? .allow(token.role) : .refuse(.roleTooLow(needed: needed))
        } catch {
            return .refuse(.token(error))
        }
    }

    /// When a publish token made at `now` ends: after `requested`, at least a second and at most the settings' limit, or
    /// after the settings' lifetime.
    public func publishExpiry(requested: Duration?, now: WallTime) -> WallTime {
        let wished = max(requested ?? settings.publishTokenLifetime, .seconds(1))
        return now.advanced(by: min(wished, settings.publishTokenLifetimeLimit))
    }

    private func isTrusted(_ caller: Caller) -> Bool { settings.trustLoopback && caller.isLocal }

    private func identity(of request: PublishRequest) -> PublisherIdentity {
        if let token = request.token { return PublisherIdentity(token: token, by: secret) }
        return PublisherIdentity(key: request.key, address: request.address, by: secret)
    }
}

/// What a viewer asks for, as far as it matters to the life of a token.
public enum ViewerResource: Hashable, Sendable {
    /// The playlist that begins a session.
    case multivariantPlaylist
    /// Anything after it.
    case media
}
