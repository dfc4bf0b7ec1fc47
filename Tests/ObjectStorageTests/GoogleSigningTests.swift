// SPDX-License-Identifier: Apache-2.0

import Media
import ObjectStorage
import Objects
import Signing
import Testing

@Suite("Google's signatures")
struct GoogleSigningTests {
    private let file: File
    private var now: WallTime { WallTime(milliseconds: file.time * 1000) }

    init() throws { file = try vectors("google.json", as: File.self) }

    @Test("ask for a token with the assertion that google-auth makes")
    func assertion() throws {
        let dialect = GoogleDialect(bucket: "bucket", account: try account())
        let request = try #require(dialect.credentialRequest(now: now))
        let body = String(decoding: request.body, as: UTF8.self)
        #expect(request.url == "https://oauth2.googleapis.com/token")
        let made = try #require(body.split(separator: "assertion=").last).split(separator: ".")
        let theirs = file.assertion.split(separator: ".")
        // The members of the texts come in another order, and the signature is of the text: both parts by their members.
        for index in 0..<2 {
            let (ours, expected) = (try members(made[index]), try members(theirs[index]))
            #expect(ours == expected)
        }
    }

    @Test("sign URLs as google-cloud-storage does, with a service account's key")
    func urls() throws {
        let signer = SigV4Signer(.google(account: try account().email, key: try account().key))
        #expect(file.signed.count == 2)
        for vector in file.signed {
            let url = signer.presigned(
                OutboundRequest(method: "GET", url: "https://storage.googleapis.com" + vector.resource),
                lifetime: .seconds(vector.lifetime), now: now)
            #expect(url.split(separator: "Signature=").last == vector.url.split(separator: "Signature=").last)
        }
    }

    @Test("sign requests with an HMAC key by Google's variant")
    func requests() throws {
        let signer = SigV4Signer(
            .google(accessKey: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
        let body = Array(file.hmac.body.utf8)
        let request = OutboundRequest(
            method: "PUT", url: "https://storage.googleapis.com/bucket/live/7.m4s",
            headers: [
                OutboundHeader("Content-Type", "video/mp4"), OutboundHeader("x-goog-if-generation-match", "0"),
            ], body: body)
        let signed = signer.signed(request, payload: .hashed(Digest.sha256.hash(body[...])), now: now)
        #expect(signed.value("Authorization") == file.hmac.authorization)
    }

    @Test("refuse what is no key file")
    func keyFiles() {
        #expect(throws: ServiceAccountFailure.notAKeyFile) { try ServiceAccount(parsing: Array("{}".utf8)) }
        #expect(throws: ServiceAccountFailure.notAKeyFile) { try ServiceAccount(parsing: []) }
        let bytes = Array(file.keyFile.utf8)
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: ServiceAccountFailure.self) { try ServiceAccount(parsing: Array(bytes.prefix(length))) }
        }
    }

    private func account() throws -> ServiceAccount { try ServiceAccount(parsing: Array(file.keyFile.utf8)) }

    /// The members of a flat JSON object in base64url, each as it is spelled, in order.
    private func members(_ text: Substring) throws -> [String] {
        let bytes = try #require(Base64.url.bytes(text))
        let json = String(decoding: bytes, as: UTF8.self).filter { $0 != " " && $0 != "{" && $0 != "}" }
        return json.split(separator: ",").map(String.init).sorted()
    }
}

private struct File: Decodable {
    let keyFile: String
    let assertion: String
    let time: Int64
    let signed: [SignedURL]
    let hmac: SignedRequest
}

private struct SignedURL: Decodable {
    let resource: String
    let lifetime: Int64
    let url: String
}

private struct SignedRequest: Decodable {
    let body: String
    let authorization: String
}
