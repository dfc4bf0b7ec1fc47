// SPDX-License-Identifier: Apache-2.0

import Bytes
import Signing

/// Signs for Akamai, Edge Authorization 2.0: a token of fields and their HMAC-SHA256, for an access list of one path.
public struct AkamaiSigner: QuerySigner, Hashable {
    private let key: [UInt8]
    /// What the token is called in a cookie or a query.
    private let name: String
    /// What both sides put behind the fields before they hash; nil for nothing.
    private let salt: String?

    /// Takes the key in hexadecimal, as the property has it; nil for what is none.
    public init?(key: String, name: String = "hdnts", salt: String? = nil) {
        guard let bytes = [UInt8](hex: key), !bytes.isEmpty else { return nil }
        self.key = bytes
        self.name = name
        self.salt = salt
    }

    /// One cookie for all below the path.
    public func token(for grant: DeliveryGrant) -> DeliveryToken {
        .cookies([DeliveryCookie(name, text(for: grant), grant)])
    }

    /// The same as a query, which each URL below the path may bear.
    public func query(for grant: DeliveryGrant) -> String { name + "=" + text(for: grant) }

    private func text(for grant: DeliveryGrant) -> String {
        let start = grant.starts.map { ["st=\($0.seconds)"] } ?? []
        let fields = start + ["exp=\(grant.expires.seconds)", "acl=\(grant.path)*"]
        let hashed = fields + (salt.map { ["salt=\($0)"] } ?? [])
        let code = Digest.sha256.code(key: key, hashed.joined(separator: "~")).hex
        return (fields + ["hmac=" + code]).joined(separator: "~")
    }
}
