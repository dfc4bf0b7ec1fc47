// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Media
public import Objects
import Signing

/// Signs requests and URLs by Signature Version 4, as S3 wants it: a path is escaped once and never normalised.
///
/// Every header that the request bears is signed, so nothing may be added to or taken from it on the way.
public struct SigV4Signer: Hashable, Sendable {
    private let scheme: SigningScheme
    /// What temporary credentials come with.
    private let sessionToken: String?

    /// What of a body is signed.
    public enum Payload: Hashable, Sendable {
        /// Its SHA-256, 32 bytes, which the store compares.
        case hashed([UInt8])
        /// Nothing: for bodies that TLS protects.
        case unsigned

        var word: String {
            switch self {
            case .hashed(let hash): hash.hex
            case .unsigned: "UNSIGNED-PAYLOAD"
            }
        }
    }

    /// A signer of a scheme.
    public init(_ scheme: SigningScheme, sessionToken: String? = nil) {
        self.scheme = scheme
        self.sessionToken = sessionToken
    }

    /// The request with its date, the word for its payload and its `Authorization`.
    public func signed(_ request: OutboundRequest, payload: Payload, now: WallTime) -> OutboundRequest {
        var request = request
        request.headers.append(OutboundHeader(scheme.prefix + "date", now.basic))
        request.headers.append(OutboundHeader(scheme.prefix + "content-sha256", payload.word))
        if let sessionToken {
            request.headers.append(OutboundHeader(scheme.prefix + "security-token", sessionToken))
        }
        let canonical = CanonicalRequest(request, payload: payload.word)
        let signature = scheme.signature(of: stringToSign(canonical, now: now), day: now.day)
        request.headers.append(
            OutboundHeader(
                "Authorization",
                "\(scheme.algorithm) Credential=\(scheme.identity)/\(scheme.scope(day: now.day)), "
                    + "SignedHeaders=\(canonical.signedHeaders), Signature=\(signature)"))
        return request
    }

    /// The URL of a request, good for `lifetime` (whole seconds, 7 days at most) without any other credential. The headers
    /// that `request` bears must be sent as they are; its body is not signed.
    public func presigned(_ request: OutboundRequest, lifetime: Duration, now: WallTime) -> String {
        precondition((1...604_800).contains(lifetime.components.seconds), "a signature of \(lifetime)")
        let headers = CanonicalRequest(request, payload: "").signedHeaders
        var query = QueryText()
        query.add(scheme.queryPrefix + "Algorithm", scheme.algorithm)
        query.add(scheme.queryPrefix + "Credential", "\(scheme.identity)/\(scheme.scope(day: now.day))")
        query.add(scheme.queryPrefix + "Date", now.basic)
        query.add(scheme.queryPrefix + "Expires", "\(lifetime.components.seconds)")
        query.add(scheme.queryPrefix + "SignedHeaders", headers)
        if let sessionToken { query.add(scheme.queryPrefix + "Security-Token", sessionToken) }
        var unsigned = request
        unsigned.url += RequestURL(request.url).query.isEmpty ? query.text : "&" + query.text.dropFirst()
        let canonical = CanonicalRequest(unsigned, payload: Payload.unsigned.word)
        let signature = scheme.signature(of: stringToSign(canonical, now: now), day: now.day)
        return "\(unsigned.url)&\(scheme.queryPrefix)Signature=\(signature)"
    }

    private func stringToSign(_ canonical: CanonicalRequest, now: WallTime) -> String {
        [scheme.algorithm, now.basic, scheme.scope(day: now.day), Digest.sha256.hash(canonical.text).hex]
            .joined(separator: "\n")
    }
}
