// SPDX-License-Identifier: Apache-2.0

public import Media
import Signing

/// How a viewer bears a grant.
public enum DeliveryToken: Hashable, Sendable {
    /// In front of the path of every URL; relative URLs inherit it.
    case path(String)
    /// In cookies of the CDN's host; the player must send them with what it fetches.
    case cookies([DeliveryCookie])
}

/// A cookie that bears a grant, or a piece of one.
public struct DeliveryCookie: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Its value.
    public let value: String
    /// Below which path it is sent.
    public let path: String
    /// When it is forgotten.
    public let expires: WallTime

    init(_ name: String, _ value: String, _ grant: DeliveryGrant) {
        self.name = name
        self.value = value
        path = grant.path
        expires = grant.expires
    }

    /// The value of `Set-Cookie` (RFC 6265 §4.1). A page of another site may fetch with it: the CDN is another site to it.
    public var header: String {
        "\(name)=\(value); Path=\(path); Expires=\(expires.httpDate); Secure; HttpOnly; SameSite=None"
    }
}

/// Makes what a CDN lets viewers in by.
public protocol DeliverySigner: Sendable {
    /// The token of a grant.
    func token(for grant: DeliveryGrant) -> DeliveryToken
}
