// SPDX-License-Identifier: Apache-2.0

import Bytes
import COpenSSL
import Foundation
import Signing
import Testing

@Suite("A private key")
struct PrivateKeyTests {
    @Test("signs what its public half verifies", arguments: ["rsa", "p256"])
    func signs(name: String) throws {
        let pem = try Self.pem(name)
        let key = try PrivateKey(pem: pem)
        let message = Array("what is signed".utf8)
        #expect(try Self.verifies(key.signature(of: message, digest: .sha256), of: message, pem: pem))
        #expect(try !Self.verifies(key.signature(of: message + [0], digest: .sha256), of: message, pem: pem))
    }

    @Test("is refused where it can not be read, is short or is of another kind")
    func refusals() throws {
        #expect(throws: KeyFailure.unreadable) { try PrivateKey(pem: "") }
        #expect(throws: KeyFailure.unreadable) { try PrivateKey(pem: "-----BEGIN PRIVATE KEY-----\nAAAA\n") }
        #expect(throws: KeyFailure.tooShort) { try PrivateKey(pem: try Self.made("RSA", bits: 1024)) }
        #expect(throws: KeyFailure.otherKind) { try PrivateKey(pem: try Self.made("ED25519")) }
    }

    @Test("is refused wherever its text is cut")
    func cuts() throws {
        let pem = try Self.pem("p256")
        for length in 0..<(pem.utf8.count - 2) {
            #expect(throws: KeyFailure.self, "cut at \(length)") { try PrivateKey(pem: String(pem.prefix(length))) }
        }
    }

    @Test("does not tell itself")
    func secrecy() throws {
        let key = try PrivateKey(pem: try Self.pem("rsa"))
        #expect("\(key)" == "PrivateKey(rsa)")
        #expect(String(reflecting: key) == "PrivateKey(rsa)")
        #expect(Mirror(reflecting: key).children.isEmpty)
    }

    private static func pem(_ name: String) throws -> String {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../Vectors/signing/\(name).pem")
        return try String(contentsOf: file, encoding: .utf8)
    }

    private static func made(_ kind: String, bits: Int32 = 0) throws -> String {
        let context = EVP_PKEY_CTX_new_from_name(nil, kind, nil)
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        try #require(EVP_PKEY_keygen_init(context) == 1)
        if bits > 0 { try #require(EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1) }
        try #require(EVP_PKEY_generate(context, &key) == 1)
        defer { EVP_PKEY_free(key) }
        let sink = BIO_new(BIO_s_mem())
        defer { BIO_free(sink) }
        try #require(PEM_write_bio_PrivateKey(sink, key, nil, nil, 0, nil, nil) == 1)
        var text = [UInt8](repeating: 0, count: 4096)
        let count = Int(BIO_read(sink, &text, 4096))
        return String(decoding: text.prefix(count), as: UTF8.self)
    }

    private static func verifies(_ signature: [UInt8], of message: [UInt8], pem: String) throws -> Bool {
        let text = Array(pem.utf8)
        let source = BIO_new(BIO_s_mem())
        try #require(BIO_write(source, text, Int32(text.count)) > 0)
        let key = try #require(PEM_read_bio_PrivateKey(source, nil, nil, nil))
        let context = EVP_MD_CTX_new()
        defer {
            BIO_free(source)
            EVP_PKEY_free(key)
            EVP_MD_CTX_free(context)
        }
        try #require(EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1)
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}
