// SPDX-License-Identifier: Apache-2.0

import Media
import Objects
public import Signing

/// A service account of Google's: what its key file holds.
public struct ServiceAccount: Hashable, Sendable {
    /// Its address.
    public let email: String
    /// Its RSA key.
    public let key: PrivateKey
    /// Which of its keys that is.
    let keyID: String
    /// Where tokens come from.
    let tokenURL: String

    /// Reads a key file in JSON.
    /// - Throws: ``ServiceAccountFailure`` for what is none.
    public init(parsing bytes: [UInt8]) throws(ServiceAccountFailure) {
        guard let file = try? JSONValue(parsing: bytes), let email = file["client_email"]?.text,
            let pem = file["private_key"]?.text, let keyID = file["private_key_id"]?.text,
            let tokenURL = file["token_uri"]?.text, tokenURL.hasPrefix("https://") || tokenURL.hasPrefix("http://")
        else { throw .notAKeyFile }
        guard let key = try? PrivateKey(pem: pem), key.kind == .rsa else { throw .wrongKey }
        self.email = email
        self.key = key
        self.keyID = keyID
        self.tokenURL = tokenURL
    }

    /// The request that gives an access token for `scope` (RFC 7523 §2.1).
    func tokenRequest(scope: String, now: WallTime) -> OutboundRequest {
        let grant = PercentEncoding.component("urn:ietf:params:oauth:grant-type:jwt-bearer")
        return OutboundRequest(
            method: "POST", url: tokenURL,
            headers: [OutboundHeader("Content-Type", "application/x-www-form-urlencoded")],
            body: Array("grant_type=\(grant)&assertion=\(assertion(scope: scope, now: now))".utf8))
    }

    /// A JWT (RFC 7519) signed with RS256 (RFC 7518 §3.3), good for an hour, which is the longest.
    func assertion(scope: String, now: WallTime) -> String {
        let header = "{\"alg\":\"RS256\",\"kid\":\(JSONValue.quoted(keyID)),\"typ\":\"JWT\"}"
        let claims =
            "{\"iss\":\(JSONValue.quoted(email)),\"scope\":\(JSONValue.quoted(scope)),"
            + "\"aud\":\(JSONValue.quoted(tokenURL)),\"iat\":\(now.seconds),\"exp\":\(now.seconds + 3600)}"
        let text = [header, claims].map { Base64.url.text(Array($0.utf8)) }.joined(separator: ".")
        return text + "." + Base64.url.text(key.signature(of: Array(text.utf8), digest: .sha256))
    }
}

/// Why a file gives no service account.
public enum ServiceAccountFailure: Error, Hashable, Sendable {
    /// It is no JSON key file.
    case notAKeyFile
    /// Its key is not RSA of at least 2048 bits.
    case wrongKey
}
