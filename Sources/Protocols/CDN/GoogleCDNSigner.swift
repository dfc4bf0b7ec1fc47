// SPDX-License-Identifier: Apache-2.0

import Signing

/// Signs for Google Cloud CDN, with a key of 128 bits and its name ("Use signed cookies", "Use signed URLs", both for a URL
/// prefix). The CDN lets what it has not verified through to us, so the origin must still refuse bad signatures.
public struct GoogleCDNSigner: QuerySigner, Hashable {
    private let keyName: String
    private let key: [UInt8]

    /// Takes the key in base64url, as it was given to the CDN; nil for other than 16 bytes.
    public init?(keyName: String, key: String) {
        guard let bytes = Base64.paddedURL.bytes(key), bytes.count == 16 else { return nil }
        self.keyName = keyName
        self.key = bytes
    }

    /// One cookie for all below the path.
    public func token(for grant: DeliveryGrant) -> DeliveryToken {
        .cookies([DeliveryCookie("Cloud-CDN-Cookie", signed(grant, separator: ":"), grant)])
    }

    /// The same as a query, which each URL below the path may bear.
    public func query(for grant: DeliveryGrant) -> String { signed(grant, separator: "&") }

    private func signed(_ grant: DeliveryGrant, separator: String) -> String {
        let policy = [
            "URLPrefix=" + Base64.paddedURL.text(Array(grant.url("").utf8)), "Expires=\(grant.expires.seconds)",
            "KeyName=" + keyName,
        ].joined(separator: separator)
        return policy + separator + "Signature=" + Base64.paddedURL.text(Digest.sha1.code(key: key, policy))
    }
}
