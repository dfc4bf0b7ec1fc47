// SPDX-License-Identifier: Apache-2.0

import COpenSSL
public import Media

/// Who a node is to its peers: a key on P-256 and a certificate that it signed itself (RFC 8827 §6.5). It is made when the
/// node starts and again each day; sessions keep the one that their SDP names. Its description does not tell the key.
public struct DTLSIdentity: Hashable, Sendable, CustomStringConvertible {
    /// What SDP says of it.
    public let fingerprint: CertificateFingerprint
    /// DER, as are both.
    let certificate: [UInt8]
    let privateKey: [UInt8]

    /// Makes a key and a certificate that is valid from a day before `now`, for peers whose clock is slow, until `validity`
    /// after it. The key's randomness is OpenSSL's own.
    public static func generate(now: WallTime, validity: Duration = .seconds(30 * 86_400)) -> DTLSIdentity {
        guard let key = millrace_generate_p256(), let certificate = X509_new() else {
            preconditionFailure("no memory for a key")
        }
        defer {
            EVP_PKEY_free(key)
            X509_free(certificate)
        }
        let privateKey = encoded { i2d_PrivateKey(key, $0) }
        let name = X509_get_subject_name(certificate)
        let day = Duration.seconds(86_400)
        let isMade =
            X509_set_version(certificate, 2) == 1
            && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial(of: key)) == 1
            && ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(now.advanced(by: .zero - day))) != nil
            && ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(now.advanced(by: validity))) != nil
            && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, "millrace", -1, -1, 0) == 1
            && X509_set_issuer_name(certificate, name) == 1 && X509_set_pubkey(certificate, key) == 1
            && X509_sign(certificate, key, EVP_sha256()) > 0
        precondition(isMade, "OpenSSL makes no certificate")
        return DTLSIdentity(certificate: encoded { i2d_X509(certificate, $0) }, privateKey: privateKey)
    }

    private init(certificate: [UInt8], privateKey: [UInt8]) {
        fingerprint = CertificateFingerprint(of: certificate)
        self.certificate = certificate
        self.privateKey = privateKey
    }

    /// The fingerprint.
    public var description: String { fingerprint.description }

    /// A number of 63 bits that no other key has: of the public key's hash.
    private static func serial(of key: OpaquePointer) -> UInt64 {
        let hash = CertificateFingerprint(of: encoded { i2d_PUBKEY(key, $0) })
        return hash.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } >> 1
    }

    private static func seconds(_ time: WallTime) -> Int { Int(time.milliseconds / 1000) }
}

/// What one of OpenSSL's encoders writes; it is asked for the length first.
private func encoded(_ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) -> [UInt8] {
    let size = Int(encode(nil))
    precondition(size > 0, "OpenSSL encodes nothing")
    return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
        var end = bytes.baseAddress
        count = Int(encode(&end))
    }
}
