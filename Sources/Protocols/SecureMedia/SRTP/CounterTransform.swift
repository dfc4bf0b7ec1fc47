// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// AES-128 in counter mode and HMAC-SHA1 cut to 80 bits under one session key, in place (RFC 3711 §4.1.1, §4.2.1).
/// OpenSSL's context is keyed once, and the two keys of the HMAC are kept as the states of SHA-1 after them.
struct CounterTransform: ~Copyable {
    private static let tagSize = 10
    private let context: OpaquePointer
    /// After the inner key and after the outer.
    private let states: UnsafeMutablePointer<SHA_CTX>
    private let nonce: SRTPNonce

    init(_ key: SRTPSessionKey) {
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("no memory for a cipher") }
        self.context = context
        nonce = SRTPNonce(salt: key.salt)
        states = .allocate(capacity: 2)
        let block = key.authentication + [UInt8](repeating: 0, count: 64 - key.authentication.count)
        states.initialize(to: millrace_sha1_state(block.map { $0 ^ 0x36 }))
        (states + 1).initialize(to: millrace_sha1_state(block.map { $0 ^ 0x5C }))
        // Encryption and decryption are the same in counter mode.
        let result = EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nil, key.encryption, nil)
        precondition(result == 1, "AES-128-CTR refused its key")
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
        OPENSSL_cleanse(states, 2 * MemoryLayout<SHA_CTX>.stride)
        states.deallocate()
    }

    /// Encrypts what is behind the header, and writes the tag behind that and, of RTCP, behind the word of the index.
    func seal(_ packet: UnsafeMutablePointer<UInt8>, _ place: SRTPPlace) {
        crypt(packet, place)
        withTag(packet, place) { UnsafeMutableRawPointer(packet + $1).copyMemory(from: $0, byteCount: Self.tagSize) }
    }

    /// Decrypts what is behind the header where the tag fits; else false, and nothing is changed.
    func open(_ packet: UnsafeMutablePointer<UInt8>, _ place: SRTPPlace) -> Bool {
        guard withTag(packet, place, { CRYPTO_memcmp($0, packet + $1, Self.tagSize) == 0 }) else { return false }
        crypt(packet, place)
        return true
    }

    private func crypt(_ packet: UnsafeMutablePointer<UInt8>, _ place: SRTPPlace) {
        var bytes = nonce.counter(ssrc: place.ssrc, index: place.index)
        let begun = withUnsafeBytes(of: &bytes) {
            EVP_EncryptInit_ex(context, nil, nil, nil, $0.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        precondition(begun == 1, "AES-128-CTR refused a counter")
        guard place.bodySize > 0 else { return }
        let (body, count) = (packet + place.headerSize, Int32(truncatingIfNeeded: place.bodySize))
        var length: Int32 = 0
        precondition(EVP_EncryptUpdate(context, body, &length, body, count) == 1, "AES-128-CTR refused \(count) bytes")
    }

    /// Calls `use` with the code of a packet and with where its tag stands. The code of RTP is over the rollover counter
    /// too, the one of RTCP over the word of the index, which is in the packet.
    private func withTag<Result>(
        _ packet: UnsafePointer<UInt8>, _ place: SRTPPlace, _ use: (UnsafeRawPointer, Int) -> Result
    ) -> Result {
        let isRTCP = place.packets == .rtcp
        let end = place.headerSize + place.bodySize + (isRTCP ? SRTPProfile.indexSize : 0)
        var rollovers = UInt32(truncatingIfNeeded: place.index >> 16).bigEndian
        return withUnsafeTemporaryAllocation(byteCount: 20, alignment: 8) { code in
            guard let start = code.baseAddress else { preconditionFailure("no room for a code") }
            let bytes = start.assumingMemoryBound(to: UInt8.self)
            millrace_hmac_sha1(states, states + 1, packet, end, &rollovers, isRTCP ? 0 : 4, bytes)
            return use(start, end)
        }
    }
}
