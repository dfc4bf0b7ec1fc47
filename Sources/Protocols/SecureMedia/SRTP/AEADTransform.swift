// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// AES-128-GCM under one session key, in place (RFC 7714). OpenSSL's context is made and keyed once; only the nonce is
/// set for each packet.
struct AEADTransform: ~Copyable {
    private static let tagSize = 16
    private let context: OpaquePointer
    private let nonce: SRTPNonce

    init(_ key: SRTPSessionKey, seals: Bool) {
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("no memory for a cipher") }
        self.context = context
        nonce = SRTPNonce(salt: key.salt)
        let result = EVP_CipherInit_ex(context, EVP_aes_128_gcm(), nil, key.encryption, nil, seals ? 1 : 0)
        precondition(result == 1, "AES-128-GCM refused its key")
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Encrypts what is behind the header, and writes the tag behind that.
    func seal(_ packet: UnsafeMutablePointer<UInt8>, _ place: SRTPPlace) {
        begin(packet, place)
        update(packet + place.headerSize, packet + place.headerSize, place.bodySize)
        let end = packet + place.headerSize + place.bodySize
        var length: Int32 = 0
        precondition(EVP_EncryptFinal_ex(context, end, &length) == 1, "sealing did not end")
        let result = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagSize), end)
        precondition(result == 1, "AES-128-GCM gave no tag")
    }

    /// Decrypts what is behind the header and before the tag; false where the tag does not fit, and then that is spoilt.
    func open(_ packet: UnsafeMutablePointer<UInt8>, _ place: SRTPPlace) -> Bool {
        begin(packet, place)
        update(packet + place.headerSize, packet + place.headerSize, place.bodySize)
        let end = packet + place.headerSize + place.bodySize
        let result = EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagSize), end)
        precondition(result == 1, "AES-128-GCM took no tag")
        var (nothing, length): (UInt8, Int32) = (0, 0)
        return EVP_DecryptFinal_ex(context, &nothing, &length) == 1
    }

    /// Sets the nonce, and authenticates the header and, of RTCP, the word of the index.
    private func begin(_ packet: UnsafePointer<UInt8>, _ place: SRTPPlace) {
        var bytes = nonce.gcm(ssrc: place.ssrc, index: place.index)
        let result = withUnsafeBytes(of: &bytes) {
            EVP_CipherInit_ex(context, nil, nil, nil, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), -1)
        }
        precondition(result == 1, "AES-128-GCM refused a nonce")
        update(nil, packet, place.headerSize)
        guard place.packets == .rtcp else { return }
        var word = place.indexWord.bigEndian
        withUnsafeBytes(of: &word) {
            update(nil, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), SRTPProfile.indexSize)
        }
    }

    @inline(__always)
    private func update(_ output: UnsafeMutablePointer<UInt8>?, _ input: UnsafePointer<UInt8>?, _ count: Int) {
        guard count > 0 else { return }
        var length: Int32 = 0
        let result = EVP_CipherUpdate(context, output, &length, input, Int32(truncatingIfNeeded: count))
        precondition(result == 1, "AES-128-GCM refused \(count) bytes")
    }
}
