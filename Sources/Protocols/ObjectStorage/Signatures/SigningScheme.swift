// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Signing

/// Whose variant of Signature Version 4, for which region and with which key.
///
/// Google's is Amazon's with other words. Both derive a key from an HMAC secret; Google's may also be signed with the RSA
/// key of a service account, which is used as it is.
public struct SigningScheme: Hashable, Sendable {
    /// Who signs: an access key, or a service account's address.
    public let identity: String
    /// The region that the signature is for.
    public let region: String
    /// The service that the signature is for.
    public let service: String
    let algorithm: String
    /// What headers of the variant begin with: `x-amz-`.
    let prefix: String
    /// What query parameters of the variant begin with: `X-Amz-`.
    let queryPrefix: String
    private let key: SigningKey
    private let terminator: String

    /// Amazon's, for S3 and all that speak it.
    public static func amazon(
        accessKey: String, secret: String, region: String, service: String = "s3"
    ) -> SigningScheme {
        SigningScheme(
            identity: accessKey, region: region, service: service, algorithm: "AWS4-HMAC-SHA256", prefix: "x-amz-",
            queryPrefix: "X-Amz-", key: .derived("AWS4" + secret), terminator: "aws4_request")
    }

    /// Google's, with an HMAC key of a service account.
    public static func google(accessKey: String, secret: String, region: String = "auto") -> SigningScheme {
        SigningScheme(
            identity: accessKey, region: region, service: "storage", algorithm: "GOOG4-HMAC-SHA256", prefix: "x-goog-",
            queryPrefix: "X-Goog-", key: .derived("GOOG4" + secret), terminator: "goog4_request")
    }

    /// Google's, with a service account's own RSA key.
    public static func google(account: String, key: PrivateKey, region: String = "auto") -> SigningScheme {
        SigningScheme(
            identity: account, region: region, service: "storage", algorithm: "GOOG4-RSA-SHA256", prefix: "x-goog-",
            queryPrefix: "X-Goog-", key: .whole(key), terminator: "goog4_request")
    }

    /// What a signature of that day is good for: `20130524/us-east-1/s3/aws4_request`.
    func scope(day: String) -> String { "\(day)/\(region)/\(service)/\(terminator)" }

    /// The signature in hexadecimal.
    func signature(of text: String, day: String) -> String {
        switch key {
        case .whole(let key): key.signature(of: Array(text.utf8), digest: .sha256).hex
        case .derived(let secret):
            [day, region, service, terminator, text]
                .reduce(Array(secret.utf8)) { Digest.sha256.code(key: $0, $1) }.hex
        }
    }

    private enum SigningKey: Hashable {
        case derived(String)
        case whole(PrivateKey)
    }
}

extension SigningScheme: CustomStringConvertible, CustomReflectable {
    /// All but the key.
    public var description: String { "\(algorithm) \(identity) \(region)/\(service)" }

    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
