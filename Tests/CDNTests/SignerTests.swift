// SPDX-License-Identifier: Apache-2.0

import CDN
import COpenSSL
import Foundation
import Media
import Signing
import Testing

@Suite("A CDN's signer")
struct SignerTests {
    private let file: File
    private let grant: DeliveryGrant
    private var expires: WallTime { WallTime(milliseconds: file.expires * 1000) }

    init() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/signing")
        file = try JSONDecoder().decode(File.self, from: Data(contentsOf: folder.appending(path: "cdn.json")))
        grant = try #require(
            DeliveryGrant(base: file.base, path: file.path, expires: WallTime(milliseconds: file.expires * 1000)))
    }

    @Test("of CloudFront signs URLs as botocore does", arguments: ["sha1", "sha256"])
    func cloudFrontURLs(hash: String) throws {
        let vector = try #require(file.cloudfront[hash])
        let signer = try cloudFront(hash == "sha1" ? .sha1 : .sha256)
        // botocore does not say the hash, which all but SHA-1 must.
        let word = hash == "sha1" ? "" : "&Hash-Algorithm=SHA256"
        #expect(signer.signed(grant.url("7.m4s"), expires: expires) == vector.canned + word)
        #expect(signer.signed(grant.url("7.m4s"), with: try startingGrant()) == vector.custom + word)
    }

    @Test("of CloudFront gives cookies with the same fields")
    func cloudFrontCookies() throws {
        let custom = try #require(file.cloudfront["sha256"]).custom
        guard case .cookies(let cookies) = try cloudFront(.sha256).token(for: try startingGrant()) else {
            Issue.record("no cookies")
            return
        }
        let fields = cookies.map { "\($0.name.dropFirst("CloudFront-".count))=\($0.value)" }
        #expect(grant.url("7.m4s") + "?" + fields.joined(separator: "&") == custom + "&Hash-Algorithm=SHA256")
        #expect(cookies.allSatisfy { $0.path == "/live/news/" && $0.expires == expires })
        #expect(
            cookies[2].header
                == "CloudFront-Key-Pair-Id=K2JCJMDEHXQW5F; Path=/live/news/; Expires=\(expires.httpDate); Secure; "
                + "HttpOnly; SameSite=None")
    }

    @Test("of CloudFront signs by ECDSA what the public key verifies")
    func ecdsa() throws {
        let pem = try Self.pem("p256")
        let signer = CloudFrontSigner(keyPairID: "K", key: try PrivateKey(pem: pem))
        guard case .cookies(let cookies) = signer.token(for: grant) else { return }
        let policy = try #require(Base64.cloudFront.bytes(cookies[0].value))
        let signature = try #require(Base64.cloudFront.bytes(cookies[1].value))
        #expect(String(decoding: policy, as: UTF8.self).contains("\"https://cdn.example.net/live/news/*\""))
        let text = Array(pem.utf8)
        let source = BIO_new(BIO_s_mem())
        try #require(BIO_write(source, text, Int32(text.count)) > 0)
        let key = PEM_read_bio_PrivateKey(source, nil, nil, nil)
        let context = EVP_MD_CTX_new()
        defer {
            BIO_free(source)
            EVP_PKEY_free(key)
            EVP_MD_CTX_free(context)
        }
        try #require(EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1)
        #expect(EVP_DigestVerify(context, signature, signature.count, policy, policy.count) == 1)
    }

    @Test("of Google's CDN signs a prefix")
    func google() throws {
        let signer = try #require(GoogleCDNSigner(keyName: "k1", key: file.googleKey))
        #expect(cookie(signer) == "Cloud-CDN-Cookie=" + file.googleCookie)
        #expect(signer.query(for: grant) == file.googleQuery)
        #expect(GoogleCDNSigner(keyName: "k1", key: "short") == nil)
    }

    @Test("of Akamai makes the tokens of akamai-edgeauth")
    func akamai() throws {
        let key = "52a152a152a152a152a152a152a1"
        #expect(cookie(try #require(AkamaiSigner(key: key))) == "hdnts=" + file.akamai)
        let salted = try #require(AkamaiSigner(key: key, salt: "salt"))
        #expect(salted.query(for: try startingGrant()) == "hdnts=" + file.akamaiSalted)
        #expect(AkamaiSigner(key: "odd") == nil)
    }

    @Test("of Bunny stands in the path")
    func bunny() throws {
        let vector = file.bunny
        let grant = try #require(
            DeliveryGrant(
                base: file.base, path: vector.path, expires: WallTime(milliseconds: vector.expires * 1000)))
        let signer = BunnySigner(key: vector.key)
        let path = "&expires=\(vector.expires)&token_path=%2Fabc%2F"
        #expect(signer.token(for: grant) == .path("/bcdn_token=" + vector.token + path))
        #expect(signer.query(for: grant) == "token=" + vector.token + path)
    }

    @Test("of Fastly stands in the path, or in the query as Fastly's example has it")
    func fastly() throws {
        let signer = try #require(FastlySigner(key: file.fastlyKey))
        #expect(signer.token(for: grant) == .path("/~f/" + file.fastly))
        #expect(signer.query(forPath: grant.path, until: grant) == "token=" + file.fastly)
        #expect(FastlySigner(key: "*") == nil)
    }

    @Test("of nginx stands in the path")
    func secureLink() throws {
        let signer = try #require(SecureLinkSigner(secret: "a secret of nginx"))
        #expect(signer.token(for: grant) == .path(file.secureLink))
        #expect(SecureLinkSigner(secret: "short") == nil)
    }

    private func startingGrant() throws -> DeliveryGrant {
        try #require(
            DeliveryGrant(
                base: file.base, path: file.path, expires: expires, starts: WallTime(milliseconds: file.starts * 1000)))
    }

    private func cloudFront(_ hash: CloudFrontSigner.Hash) throws -> CloudFrontSigner {
        CloudFrontSigner(keyPairID: "K2JCJMDEHXQW5F", key: try PrivateKey(pem: try Self.pem("rsa")), hash: hash)
    }

    private func cookie(_ signer: some DeliverySigner) -> String {
        guard case .cookies(let cookies) = signer.token(for: grant) else { return "" }
        return cookies.map { "\($0.name)=\($0.value)" }.joined(separator: "; ")
    }

    private static func pem(_ name: String) throws -> String {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../Vectors/signing/\(name).pem")
        return try String(contentsOf: file, encoding: .utf8)
    }
}

private struct File: Decodable {
    let base: String
    let path: String
    let expires: Int64
    let starts: Int64
    let cloudfront: [String: CloudFront]
    let googleKey: String
    let googleCookie: String
    let googleQuery: String
    let akamai: String
    let akamaiSalted: String
    let bunny: Bunny
    let fastlyKey: String
    let fastly: String
    let secureLink: String
}

private struct CloudFront: Decodable {
    let canned: String
    let custom: String
}

private struct Bunny: Decodable {
    let key: String
    let expires: Int64
    let path: String
    let token: String
}
