// SPDX-License-Identifier: Apache-2.0

import Signing

/// Signs for nginx's `ngx_http_secure_link_module`, whose expression here is `$expires$path $secret`: MD5 in base64url.
///
/// The module knows no other hash. MD5's collisions do not help against it, since the secret is not known; the secret must
/// be long and random, as it can be searched for without asking anybody.
public struct SecureLinkSigner: DeliverySigner, Hashable {
    private let secret: String

    /// Takes the secret that nginx has; nil below 16 bytes.
    public init?(secret: String) {
        guard secret.utf8.count >= 16 else { return nil }
        self.secret = secret
    }

    /// In the path: `/~s/{code}/{seconds}`.
    public func token(for grant: DeliveryGrant) -> DeliveryToken {
        let code = Base64.url.text(Digest.md5.hash("\(grant.expires.seconds)\(grant.path) \(secret)"))
        return .path("/~s/\(code)/\(grant.expires.seconds)")
    }
}
