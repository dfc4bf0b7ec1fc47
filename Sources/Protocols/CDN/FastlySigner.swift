// SPDX-License-Identifier: Apache-2.0

import Bytes
import Signing

/// Signs for Fastly, whose services verify tokens in VCL of their owner ("Enabling URL token validation"): when it ends,
/// an underscore, and the HMAC-SHA1 of what is granted and when it ends. Fastly's example signs whole URLs; ours signs the
/// path of a grant, and bears the token in front of it, so that relative URLs inherit it.
public struct FastlySigner: DeliverySigner, Hashable {
    private let key: [UInt8]

    /// Takes the key in base64, as the VCL has it; nil for what is none.
    public init?(key: String) {
        guard let bytes = Base64.standard.bytes(key), !bytes.isEmpty else { return nil }
        self.key = bytes
    }

    /// In the path: `/~f/{seconds}_{code}`.
    public func token(for grant: DeliveryGrant) -> DeliveryToken { .path("/~f/" + code(grant.path, grant)) }

    /// Fastly's own form: `token=…` for one URL path, in its query.
    public func query(forPath path: String, until grant: DeliveryGrant) -> String { "token=" + code(path, grant) }

    private func code(_ path: String, _ grant: DeliveryGrant) -> String {
        "\(grant.expires.seconds)_" + Digest.sha1.code(key: key, "\(path)\(grant.expires.seconds)").hex
    }
}
