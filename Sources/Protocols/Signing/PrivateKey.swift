// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A private key that signs: RSA by PKCS #1 v1.5 (RFC 8017 §8.2), or ECDSA on P-256 (FIPS 186-5), its signature in DER.
///
/// ECDSA takes a random number for each signature, which is OpenSSL's own, so one message has many signatures. The
/// description does not tell the key.
public struct PrivateKey: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// What kind of key it is.
    public let kind: Kind
    private let der: [UInt8]

    /// The kinds of keys.
    public enum Kind: Hashable, Sendable {
        /// RSA of at least 2048 bits.
        case rsa
        /// An elliptic curve: P-256.
        case p256
    }

    /// Reads a key from PEM, PKCS #1, SEC 1 or PKCS #8, not encrypted.
    /// - Throws: ``KeyFailure`` for anything else.
    public init(pem: String) throws(KeyFailure) {
        let text = Array(pem.utf8)
        guard let source = BIO_new(BIO_s_mem()) else { preconditionFailure("no memory for a key") }
        defer { BIO_free(source) }
        guard BIO_write(source, text, Int32(clamping: text.count)) > 0 else { throw .unreadable }
        // Without a passphrase, and without asking the terminal for one.
        guard let key = PEM_read_bio_PrivateKey(source, nil, { _, _, _, _ in -1 }, nil) else {
            ERR_clear_error()
            throw .unreadable
        }
        defer { EVP_PKEY_free(key) }
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA where EVP_PKEY_get_bits(key) >= 2048: kind = .rsa
        case EVP_PKEY_RSA: throw .tooShort
        case EVP_PKEY_EC where EVP_PKEY_get_bits(key) == 256: kind = .p256
        default: throw .otherKind
        }
        der = Self.encoded(key)
    }

    /// The kind.
    public var description: String { "PrivateKey(\(kind))" }

    /// Without children.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The signature of `message`, hashed with `digest`.
    public func signature(of message: [UInt8], digest: Digest) -> [UInt8] {
        let key = der.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_AutoPrivateKey(nil, &start, bytes.count)
        }
        guard let key, let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a signature") }
        defer {
            EVP_MD_CTX_free(context)
            EVP_PKEY_free(key)
        }
        var length = 0
        let isReady =
            EVP_DigestSignInit(context, nil, digest.function, nil, key) == 1
            && EVP_DigestSign(context, nil, &length, message, message.count) == 1
        precondition(isReady, "OpenSSL does not sign")
        return [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
            precondition(EVP_DigestSign(context, bytes.baseAddress, &length, message, message.count) == 1)
            count = length
        }
    }

    private static func encoded(_ key: OpaquePointer) -> [UInt8] {
        let size = Int(i2d_PrivateKey(key, nil))
        precondition(size > 0, "OpenSSL encodes no key")
        return [UInt8](unsafeUninitializedCapacity: size) { bytes, count in
            var end = bytes.baseAddress
            count = Int(i2d_PrivateKey(key, &end))
        }
    }
}

/// Why a text is no key that signs.
public enum KeyFailure: Error, Hashable, Sendable {
    /// It is no PEM of a private key, or it is encrypted.
    case unreadable
    /// RSA of fewer than 2048 bits.
    case tooShort
    /// Neither RSA nor P-256.
    case otherKind
}
