// SPDX-License-Identifier: Apache-2.0

import Bytes
import COpenSSL

/// The SHA-256 of a certificate, by which SDP says who the other side of a DTLS connection is (RFC 8122 §5).
public struct CertificateFingerprint: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// A fingerprint of its bytes; nil unless they are 32.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = bytes
    }

    /// Parses what stands behind `a=fingerprint:sha-256 `: 32 pairs of hexadecimal digits of either case, with colons
    /// between them.
    public init?(parsing text: some StringProtocol) {
        let pairs = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard pairs.count == Self.size, pairs.allSatisfy({ $0.count == 2 }) else { return nil }
        guard let bytes = [UInt8](hex: String(decoding: pairs.joined(), as: UTF8.self)) else { return nil }
        self.bytes = bytes
    }

    /// Hashes a certificate.
    init(of certificate: [UInt8]) {
        bytes = [UInt8](unsafeUninitializedCapacity: Self.size) { digest, count in
            let result = SHA256(certificate, certificate.count, digest.baseAddress)
            precondition(result != nil, "SHA-256 failed on \(certificate.count) bytes")
            count = Self.size
        }
    }

    /// As SDP has it, in upper case: `4A:AD:…`.
    public var description: String { bytes.map { [$0].hex.uppercased() }.joined(separator: ":") }

    static let size = Int(SHA256_DIGEST_LENGTH)
}
