// SPDX-License-Identifier: Apache-2.0

import Bytes
import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) under one key that is known to be used by one sealer, whose counter is the nonce: four
/// zero bytes and the counter.
///
/// OpenSSL's context is made once and keyed once; only the nonce is set for each packet.
final class SealCipher {
    static let keySize = 32
    static let tagSize = 16
    private static let nonceSize = 12
    private let context: OpaquePointer

    /// - Parameter key: 32 bytes.
    init(key: [UInt8], seals: Bool) {
        precondition(key.count == Self.keySize, "a key of \(key.count) bytes")
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("no memory for a cipher") }
        self.context = context
        let result = EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key, nil, seals ? 1 : 0)
        precondition(result == 1, "AES-256-GCM refused its key")
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Appends the ciphertext of `plain` and its tag to `bytes`, whose part from `start` on is authenticated with it.
    func seal(_ plain: ByteSlice, counter: UInt64, header start: Int, into bytes: inout [UInt8]) {
        let headerSize = bytes.count - start
        begin(counter)
        bytes.append(contentsOf: repeatElement(0, count: plain.count + Self.tagSize))
        bytes.withUnsafeMutableBufferPointer { all in
            let header = UnsafeMutableBufferPointer(rebasing: all[start..<start + headerSize])
            let body = UnsafeMutableBufferPointer(rebasing: all[(start + headerSize)...])
            plain.withUnsafeBufferPointer { plain in
                update(nil, UnsafeBufferPointer(header))
                update(body.baseAddress, plain)
            }
            var length: Int32 = 0
            precondition(EVP_CipherFinal_ex(context, body.baseAddress, &length) == 1, "sealing did not end")
            control(EVP_CTRL_AEAD_GET_TAG, Self.tagSize, body.baseAddress.map { $0 + plain.count })
        }
    }

    /// The plain bytes of `sealed`, which ends with the tag; nil where the tag does not fit it and `header`.
    func open(_ sealed: ByteSlice, counter: UInt64, header: ByteSlice) -> [UInt8]? {
        let length = sealed.count - Self.tagSize
        guard length >= 0 else { return nil }
        begin(counter)
        var fits = false
        let plain = [UInt8](unsafeUninitializedCapacity: length + 1) { plain, count in
            sealed.withUnsafeBufferPointer { sealed in
                header.withUnsafeBufferPointer { update(nil, $0) }
                update(plain.baseAddress, UnsafeBufferPointer(rebasing: sealed[..<length]))
                fits = verify(UnsafeBufferPointer(rebasing: sealed[length...]))
            }
            count = fits ? length : 0
        }
        return fits ? plain : nil
    }

    private func begin(_ counter: UInt64) {
        var nonce: (UInt32, UInt32, UInt32) = (
            0, UInt32(truncatingIfNeeded: counter >> 32).bigEndian, UInt32(truncatingIfNeeded: counter).bigEndian
        )
        let result = withUnsafeBytes(of: &nonce) { nonce in
            EVP_CipherInit_ex(
                context, nil, nil, nil, nonce.baseAddress?.assumingMemoryBound(to: UInt8.self), -1)
        }
        precondition(result == 1, "AES-256-GCM refused a nonce of \(Self.nonceSize) bytes")
    }

    private func update(_ output: UnsafeMutablePointer<UInt8>?, _ input: UnsafeBufferPointer<UInt8>) {
        guard !input.isEmpty else { return }
        var length: Int32 = 0
        let result = EVP_CipherUpdate(context, output, &length, input.baseAddress, Int32(input.count))
        precondition(result == 1, "AES-256-GCM refused \(input.count) bytes")
    }

    private func verify(_ tag: UnsafeBufferPointer<UInt8>) -> Bool {
        control(EVP_CTRL_AEAD_SET_TAG, Self.tagSize, UnsafeMutablePointer(mutating: tag.baseAddress))
        var (last, length): (UInt8, Int32) = (0, 0)
        return EVP_CipherFinal_ex(context, &last, &length) == 1
    }

    private func control(_ command: Int32, _ size: Int, _ pointer: UnsafeMutablePointer<UInt8>?) {
        let result = EVP_CIPHER_CTX_ctrl(context, command, Int32(size), pointer)
        precondition(result == 1, "AES-256-GCM refused control \(command)")
    }
}

/// HKDF with SHA-256 (RFC 5869) of 32 bytes, that is, of one block.
func derivedKey(from key: [UInt8], salt: [UInt8], info: [UInt8]) -> [UInt8] {
    let noSalt = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    let extracted = hmacSHA256(key, key: salt.isEmpty ? noSalt : salt)
    return hmacSHA256(info + [1], key: extracted)
}

/// HMAC with SHA-256 (RFC 2104), 32 bytes.
private func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { code, count in
        var length: UInt32 = 0
        let result = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, code.baseAddress, &length)
        precondition(result != nil && length == 32, "HMAC-SHA256 failed on \(message.count) bytes")
        count = Int(length)
    }
}

/// SHA-256, 32 bytes.
func sha256(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { digest, count in
        precondition(SHA256(bytes, bytes.count, digest.baseAddress) != nil, "SHA-256 failed on \(bytes.count) bytes")
        count = Int(SHA256_DIGEST_LENGTH)
    }
}

/// The first four bytes of a hash, as a number.
func shortened(_ hash: [UInt8]) -> UInt32 { hash.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
