// SPDX-License-Identifier: Apache-2.0

import Bytes
import SecureMedia
import Testing

@Suite("SRTP's vectors")
struct SRTPVectorTests {
    @Test("of RFC 3711, B.2, are AES in counter mode")
    func counterMode() {
        let stream = counterModeStream(
            key: bytes("2b7e151628aed2a6abf7158809cf4f3c"), counter: bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000"),
            count: 0xFF02 * 16)
        let first = bytes(
            """
            e03ead0935c95e80e166b16dd92b4eb4 d23513162b02d0f72a43a2fe4a5f97ab
            41e95b3bb0a2e8dd477901e4fca894c0
            """)
        let last = bytes(
            """
            ec8cdf7398607cb0f2d21675ea9ea1e4 362b7c3c6773516318a077d7fc5073ae
            6a2cc3787889374fbeb4c81b17ba6c44
            """)
        #expect(stream[..<48].hex == first.hex)
        #expect(stream[(0xFEFF * 16)...].hex == last.hex)
    }

    @Test("of RFC 3711, B.3, are the derived keys")
    func keyDerivation() {
        let master = SRTPMasterKey(
            key: bytes("e1f97a0d3e018be0d64fa32c06de4139"), salt: bytes("0ec675ad498afeebb6960b3aabe6"))
        let key = SRTPSessionKey(master, .rtp)
        #expect(key.encryption.hex == "c61e7a93744f39ee10734afe3ff7a087")
        #expect(key.salt.hex == "30cbbc08863d8c85d49db34a9ae1")
        #expect(key.authentication.hex == "cebe321f6ff7716b6fd4ab49af256a156d38baa4")
    }

    @Test("of RFC 7714, 16.1, are an RTP packet under AES-128-GCM")
    func gcm() throws {
        let plain = bytes("8040f17b8041f8d35501a0b2") + Array("Gallia est omnis divisa in partes tres".utf8)
        let sealed = bytes(
            """
            8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b
            36de3adf8833899d7f27beb16a9152cf765ee4390cce
            """)
        try Self.both(gcmKey, .aeadAES128GCM, plain: plain, sealed: sealed)
    }

    @Test("of RFC 7714, 17.1, are an RTCP packet under AES-128-GCM")
    func gcmControl() throws {
        let plain = bytes(
            """
            81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61
            deadbeefdeadbeefdeadbeefdeadbeefdeadbeef
            """)
        let sealed = bytes(
            """
            81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46
            86303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4
            """)
        try Self.bothControl(gcmKey, .aeadAES128GCM, index: 0x5D4, plain: plain, sealed: sealed)
    }

    @Test("of libsrtp's own tests are packets under AES-CM and HMAC-SHA1")
    func counterModePackets() throws {
        let master = SRTPMasterKey(
            key: bytes("e1f97a0d3e018be0d64fa32c06de4139"), salt: bytes("0ec675ad498afeebb6960b3aabe6"))
        let payload = [UInt8](repeating: 0xAB, count: 16)
        try Self.both(
            SRTPSessionKey(master, .rtp), .aes128CM, plain: bytes("800f1234decafbadcafebabe") + payload,
            sealed: bytes("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb"))
        try Self.bothControl(
            SRTPSessionKey(master, .rtcp), .aes128CM, index: 1, plain: bytes("81c8000bcafebabe") + payload,
            sealed: bytes("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798"))
    }

    private static func both(
        _ key: SRTPSessionKey, _ profile: SRTPProfile, plain: [UInt8], sealed: [UInt8]
    ) throws {
        #expect(try Sender(profile, key).protect(plain).hex == sealed.hex)
        #expect(try Receiver(profile, key).unprotect(sealed).hex == plain.hex)
    }

    private static func bothControl(
        _ key: SRTPSessionKey, _ profile: SRTPProfile, index: UInt32, plain: [UInt8], sealed: [UInt8]
    ) throws {
        let sender = Sender(profile, key, firstRTCPIndex: index)
        #expect(try sender.protect(plain, isControl: true).hex == sealed.hex)
        #expect(try Receiver(profile, key).unprotect(sealed, isControl: true).hex == plain.hex)
    }

    private var gcmKey: SRTPSessionKey {
        SRTPSessionKey(
            encryption: bytes("000102030405060708090a0b0c0d0e0f"), authentication: [],
            salt: bytes("517569642070726f2071756f"))
    }
}

/// The bytes of hexadecimal digits with white space between them.
private func bytes(_ digits: String) -> [UInt8] { [UInt8](hex: String(digits.filter { !$0.isWhitespace })) ?? [] }
