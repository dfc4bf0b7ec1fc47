// SPDX-License-Identifier: Apache-2.0

import Signing

/// Signs for Bunny ("Advanced token authentication"): HMAC-SHA256 of a path, of when it ends and of the other parameters.
/// It knows no beginning, and is good as soon as it is made.
public struct BunnySigner: QuerySigner, Hashable {
    private let key: [UInt8]

    /// Takes the pull zone's token authentication key.
    public init(key: String) { self.key = Array(key.utf8) }

    /// In the path, so that relative URLs inherit it.
    public func token(for grant: DeliveryGrant) -> DeliveryToken {
        let path = PercentEncoding.component(grant.path)
        return .path("/bcdn_token=\(code(grant))&expires=\(grant.expires.seconds)&token_path=\(path)")
    }

    /// The same as a query, which each URL below the path may bear.
    public func query(for grant: DeliveryGrant) -> String {
        let path = PercentEncoding.component(grant.path)
        return "token=\(code(grant))&expires=\(grant.expires.seconds)&token_path=\(path)"
    }

    private func code(_ grant: DeliveryGrant) -> String {
        let text = "\(grant.path)\(grant.expires.seconds)token_path=\(grant.path)"
        return "HS256-" + Base64.url.text(Digest.sha256.code(key: key, text))
    }
}
