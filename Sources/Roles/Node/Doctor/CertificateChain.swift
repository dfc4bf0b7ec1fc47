// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Foundation
package import Media

/// What a PEM file of certificates says, the owner's own first.
package final class CertificateChain {
    /// Why a file is none.
    package enum Failure: Error, Equatable {
        /// There is no such file, or it may not be read.
        case unreadable
        /// There is no certificate in it.
        case empty
    }

    private let certificates: [OpaquePointer]

    /// Reads the file.
    package init(path: String) throws(Failure) {
        guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable }
        certificates = Self.decoded(data)
        guard !certificates.isEmpty else { throw .empty }
    }

    deinit { for certificate in certificates { X509_free(certificate) } }

    /// When the first of them ends.
    package var ends: WallTime { certificates.map { Self.time(X509_get0_notAfter($0)) }.min() ?? Self.never }

    /// When the last of them begins.
    package var begins: WallTime { certificates.map { Self.time(X509_get0_notBefore($0)) }.max() ?? Self.never }

    /// Whether each is signed by the next.
    package var isWhole: Bool { zip(certificates, certificates.dropFirst()).allSatisfy { Self.signed($0, by: $1) } }

    /// Whether a name, or an address, is one of the owner's (RFC 9525).
    package func bears(_ host: String) -> Bool {
        X509_check_ip_asc(certificates[0], host, 0) == 1 || X509_check_host(certificates[0], host, 0, 0, nil) == 1
    }

    /// Whether the private key in a PEM file is the owner's; nil where the file can not be read.
    package func belongs(to path: String) -> Bool? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let key = Self.reading(data) { PEM_read_bio_PrivateKey($0, nil, nil, nil) }
        guard let key else { return nil }
        defer { EVP_PKEY_free(key) }
        return X509_check_private_key(certificates[0], key) == 1
    }

    /// Whether the last of them is signed by one of an authority's, or is one of them.
    package func isSigned(by authority: CertificateChain) -> Bool {
        guard let last = certificates.last else { return false }
        return authority.certificates.contains { X509_cmp(last, $0) == 0 || Self.signed(last, by: $0) }
    }

    private static func signed(_ certificate: OpaquePointer, by issuer: OpaquePointer) -> Bool {
        X509_check_issued(issuer, certificate) == X509_V_OK
            && X509_verify(certificate, X509_get0_pubkey(issuer)) == 1
    }

    private static func decoded(_ data: Data) -> [OpaquePointer] {
        reading(data) { input -> [OpaquePointer]? in
            var found: [OpaquePointer] = []
            while let next = PEM_read_bio_X509(input, nil, nil, nil) { found.append(next) }
            ERR_clear_error()
            return found
        } ?? []
    }

    private static func reading<Result>(_ data: Data, _ read: (OpaquePointer) -> Result?) -> Result? {
        data.withUnsafeBytes { bytes in
            guard let input = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer { BIO_free(input) }
            return read(input)
        }
    }

    private static func time(_ time: UnsafePointer<ASN1_TIME>?) -> WallTime {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else { return never }
        return WallTime(milliseconds: Int64(timegm(&parts)) * 1000)
    }

    /// What stands for a time that can not be read.
    private static let never = WallTime(milliseconds: 0)
}
