// SPDX-License-Identifier: Apache-2.0

public import Media
public import Signing

/// Signs for Amazon CloudFront, with an RSA or an ECDSA key of a trusted key group (CloudFront Developer Guide, "Serve
/// private content with signed URLs and signed cookies").
public struct CloudFrontSigner: QuerySigner, Hashable {
    private let keyPairID: String
    private let key: PrivateKey
    private let digest: Hash

    /// What the policy is hashed with.
    public enum Hash: Hashable, Sendable {
        /// What CloudFront expects where nothing is said.
        case sha1
        /// Said in a field of its own.
        case sha256
    }

    /// A signer with one key of the group.
    public init(keyPairID: String, key: PrivateKey, hash: Hash = .sha256) {
        self.keyPairID = keyPairID
        self.key = key
        digest = hash
    }

    /// Cookies with a custom policy for all below the path.
    public func token(for grant: DeliveryGrant) -> DeliveryToken {
        .cookies(
            fields(.custom, policy(grant), expires: grant.expires)
                .map { DeliveryCookie("CloudFront-" + $0.name, $0.value, grant) })
    }

    /// A URL by itself, with a canned policy: for that URL only, until `expires`.
    public func signed(_ url: String, expires: WallTime) -> String {
        let policy = Self.statement(url, "{\"DateLessThan\":{\"AWS:EpochTime\":\(expires.seconds)}}")
        return appended(fields(.canned, policy, expires: expires), to: url)
    }

    /// A URL below a grant's path that bears the grant's policy.
    public func signed(_ url: String, with grant: DeliveryGrant) -> String {
        appended(fields(.custom, policy(grant), expires: grant.expires), to: url)
    }

    /// What a URL below a grant's path bears.
    public func query(for grant: DeliveryGrant) -> String {
        Self.text(fields(.custom, policy(grant), expires: grant.expires))
    }

    private enum PolicyKind { case canned, custom }

    /// A canned policy is not sent: CloudFront builds it again of the URL and of when it ends.
    private func fields(
        _ kind: PolicyKind, _ policy: String, expires: WallTime
    ) -> [(name: String, value: String)] {
        let bytes = Array(policy.utf8)
        let signature = key.signature(of: bytes, digest: digest == .sha256 ? .sha256 : .sha1)
        let first =
            switch kind {
            case .canned: (name: "Expires", value: "\(expires.seconds)")
            case .custom: (name: "Policy", value: Base64.cloudFront.text(bytes))
            }
        let hash = digest == .sha256 ? [(name: "Hash-Algorithm", value: "SHA256")] : []
        return [first, ("Signature", Base64.cloudFront.text(signature)), ("Key-Pair-Id", keyPairID)] + hash
    }

    /// In the order that the guide fixes for canned policies; custom ones have it too.
    private func policy(_ grant: DeliveryGrant) -> String {
        var conditions = "{\"DateLessThan\":{\"AWS:EpochTime\":\(grant.expires.seconds)}"
        if let starts = grant.starts { conditions += ",\"DateGreaterThan\":{\"AWS:EpochTime\":\(starts.seconds)}" }
        return Self.statement(grant.url("*"), conditions + "}")
    }

    private static func statement(_ resource: String, _ condition: String) -> String {
        "{\"Statement\":[{\"Resource\":\"\(resource)\",\"Condition\":\(condition)}]}"
    }

    private func appended(_ fields: [(name: String, value: String)], to url: String) -> String {
        url + (url.contains("?") ? "&" : "?") + Self.text(fields)
    }

    private static func text(_ fields: [(name: String, value: String)]) -> String {
        fields.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }
}
