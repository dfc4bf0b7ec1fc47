// SPDX-License-Identifier: Apache-2.0

public import Media

/// Signs in a query, which each URL below a grant's path may bear.
public protocol QuerySigner: DeliverySigner {
    /// `name=value&…`, without a question mark.
    func query(for grant: DeliveryGrant) -> String
}

extension DeliveryGrant {
    /// Where a CDN has what is granted, as the feed says it and all playlists repeat it (`segmentStart`'s CDN base): what
    /// stands before the path of every URL and, from a `?` on, what stands behind it.
    ///
    /// The grant is in the URLs and not in cookies: a CDN is another site to the page that plays, and browsers keep the
    /// cookies of other sites back. Since all URLs of a grant bear the same, playlists are still the same for all viewers.
    /// - Parameter signer: nil where the CDN asks for no grant.
    public func base(signedBy signer: (any DeliverySigner)?) -> String {
        guard let signer else { return base }
        if case .path(let token) = signer.token(for: self) { return base + token }
        guard let signer = signer as? any QuerySigner else { return base }
        return base + "?" + signer.query(for: self)
    }

    /// When a grant ends that is made at `now` and lasts for at least `life`: the same for all that are made within half
    /// of it, so that nobody's URLs differ from anybody else's.
    public static func expiry(at now: WallTime, life: Duration) -> WallTime {
        let step = max(1000, life.ticks(.milliseconds) / 2)
        let begun = now.milliseconds - now.milliseconds % step
        return WallTime(milliseconds: begun).advanced(by: life * 3 / 2)
    }
}
