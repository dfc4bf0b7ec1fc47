// SPDX-License-Identifier: Apache-2.0

import CDN
import Foundation
import Signing
package import Steering

extension NodeSettings {
    /// When viewers fetch from the CDN.
    package var offloadSettings: OffloadSettings {
        var settings = OffloadSettings()
        switch cdn.offload {
        case .always: settings.mode = .always
        case .load: settings.mode = .load
        case .never: settings.mode = .never
        }
        settings.viewers = cdn.viewers
        settings.use = Double(cdn.load) / 100
        settings.calm = cdn.calm
        return settings
    }

    /// Who signs for the CDN; nil where it lets everybody in. Throws a sentence that tells nothing of the key.
    func deliverySigner() throws -> (any DeliverySigner)? {
        guard cdn.url != nil, cdn.signer != .none else { return nil }
        let key = try deliveryKey()
        let name = cdn.keyName ?? ""
        let signer: (any DeliverySigner)? =
            switch cdn.signer {
            case .akamai: AkamaiSigner(key: key, name: cdn.keyName ?? "hdnts")
            case .bunny: BunnySigner(key: key)
            case .cloudfront: (try? PrivateKey(pem: key)).map { CloudFrontSigner(keyPairID: name, key: $0) }
            case .fastly: FastlySigner(key: key)
            case .google: GoogleCDNSigner(keyName: name, key: key)
            case .none: nil
            case .secureLink: SecureLinkSigner(secret: key)
            }
        guard let signer else { throw SettingsFailure(lines: ["cdn.key: no key of \(cdn.signer.rawValue)"]) }
        return signer
    }

    private func deliveryKey() throws -> String {
        guard let file = cdn.keyFile else { return cdn.key?.revealed ?? "" }
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw SettingsFailure(lines: ["cdn.key_file: \(file) can not be read"])
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
