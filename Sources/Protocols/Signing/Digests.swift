// SPDX-License-Identifier: Apache-2.0

public import Bytes
import COpenSSL

/// The hashes and authentication codes that stores and CDNs sign with.
public enum Digest: Sendable {
    /// Only as a checksum and where a protocol is fixed on it (RFC 1321).
    case md5
    /// Only where a protocol is fixed on it (FIPS 180-4).
    case sha1
    /// FIPS 180-4.
    case sha256

    /// The hash of `bytes`.
    public func hash(_ bytes: ByteSlice) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { hash, length in
            var written: UInt32 = 0
            let result = bytes.withUnsafeBytes {
                EVP_Digest($0.baseAddress, $0.count, hash.baseAddress, &written, function, nil)
            }
            precondition(result == 1, "OpenSSL hashes nothing")
            length = Int(written)
        }
    }

    /// The hash of a text's UTF-8.
    public func hash(_ text: String) -> [UInt8] { hash(Array(text.utf8)[...]) }

    /// The HMAC (RFC 2104) of `message`.
    public func code(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { code, length in
            var written: UInt32 = 0
            let result = HMAC(function, key, Int32(key.count), message, message.count, code.baseAddress, &written)
            precondition(result != nil, "OpenSSL makes no HMAC")
            length = Int(written)
        }
    }

    /// The HMAC (RFC 2104) of a text's UTF-8.
    public func code(key: [UInt8], _ message: String) -> [UInt8] { code(key: key, Array(message.utf8)) }

    var function: OpaquePointer? {
        switch self {
        case .md5: EVP_md5()
        case .sha1: EVP_sha1()
        case .sha256: EVP_sha256()
        }
    }
}
