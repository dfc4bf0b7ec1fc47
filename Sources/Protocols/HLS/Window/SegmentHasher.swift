// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// SHA-256 of a segment while its parts are written.
final class SegmentHasher {
    private let context: OpaquePointer

    init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            preconditionFailure("SHA-256 is missing in this OpenSSL")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Takes the bytes of the next part.
    func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    /// The digest of all parts since the last call, 32 bytes; the next part begins a new segment.
    func finish() -> [UInt8] {
        let digest = [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
            count = 32
        }
        EVP_DigestInit_ex(context, EVP_sha256(), nil)
        return digest
    }
}
