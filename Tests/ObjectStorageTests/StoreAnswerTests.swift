// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import ObjectStorage
import Objects
import TestKit
import Testing

@Suite("A store's answer")
struct StoreAnswerTests {
    enum Dialect: CaseIterable {
        case s3, google, azure

        func value() throws -> any StoreDialect {
            switch self {
            case .s3:
                S3Dialect(
                    S3Settings(
                        endpoint: "http://s", bucket: "b", scheme: .amazon(accessKey: "a", secret: "s", region: "r")))
            case .google:
                GoogleDialect(
                    bucket: "b",
                    account: try ServiceAccount(
                        parsing: Array(try vectors("google.json", as: KeyFile.self).keyFile.utf8)))
            case .azure:
                AzureDialect(
                    AzureSettings(endpoint: "http://a", container: "c", credential: .sharedAccess("sig=x")))
            }
        }

        /// A listing of `a/1`, 5 bytes, and of `a/<&>`, 6 bytes, with something that is not ours between them.
        var listing: String {
            switch self {
            case .s3:
                """
                <?xml version="1.0"?><!-- c --><ListBucketResult xmlns="x"><Contents><Key>a/1</Key><Size>5</Size>
                <Owner/></Contents><Contents><Key>a//</Key><Size>0</Size></Contents><Contents>
                <Key>a/&lt;&#38;<![CDATA[>]]></Key><Size>6</Size></Contents>
                <NextContinuationToken>next</NextContinuationToken></ListBucketResult>
                """
            case .google:
                #"{"items":[{"name":"a/1","size":"5"},{"name":"a//","size":"0"},"#
                    + #"{"name":"a/\u003c&>","size":"6"}],"nextPageToken":"next"}"#
            case .azure:
                """
                \u{FEFF}<?xml version="1.0"?><EnumerationResults><Blobs><Blob><Name>a/1</Name><Properties>
                <Content-Length>5</Content-Length></Properties></Blob><Blob><Name>a//</Name><Properties>
                <Content-Length>0</Content-Length></Properties></Blob><Blob><Name>a/&lt;&amp;&gt;</Name><Properties>
                <Content-Length>6</Content-Length></Properties></Blob></Blobs><NextMarker>next</NextMarker>
                </EnumerationResults>
                """
            }
        }
    }

    @Test("lists what is ours", arguments: Dialect.allCases)
    func listing(dialect: Dialect) throws {
        let outcome = try dialect.value().outcome(
            of: Self.list, answer: OutboundAnswer(status: 200, body: Array(dialect.listing.utf8)))
        let keys = try ["a/1", "a/<&>"].map { try #require(ObjectKey(parsing: $0)) }
        let objects = zip(keys, [5, 6]).map { ListedObject(key: $0, size: .bytes($1)) }
        #expect(outcome == .page(ObjectPage(objects: objects, next: PageMark("next"))))
    }

    @Test("is malformed wherever a listing is cut", arguments: Dialect.allCases)
    func cuts(dialect: Dialect) throws {
        let value = try dialect.value()
        let body = Array(dialect.listing.utf8)
        let end = body.count - (body.reversed().prefix { $0 == UInt8(ascii: "\n") }.count)
        for length in 0..<end {
            #expect(throws: StoreFailure.self, "cut at \(length)") {
                try value.outcome(of: Self.list, answer: OutboundAnswer(status: 200, body: Array(body.prefix(length))))
            }
        }
    }

    @Test("never crashes us with changed bits", arguments: Dialect.allCases, UInt64(1)...300)
    func bitFlips(dialect: Dialect, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var body = Array(dialect.listing.utf8)
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let index = body.indices.randomElement(using: &random) ?? 0
            body[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        _ = try? dialect.value().outcome(of: Self.list, answer: OutboundAnswer(status: 200, body: body))
    }

    @Test("is refused where it goes too deep", arguments: Dialect.allCases)
    func depth(dialect: Dialect) throws {
        let body = String(repeating: dialect == .google ? "[" : "<a>", count: 100_000)
        #expect(throws: StoreFailure.self) {
            try dialect.value().outcome(of: Self.list, answer: OutboundAnswer(status: 200, body: Array(body.utf8)))
        }
    }

    @Test(
        "means what its status and its word say",
        arguments: [
            (.s3, 404, "NoSuchBucket", .noBucket), (.s3, 404, "", .notFound), (.s3, 412, "", .conditionFailed),
            (.s3, 409, "ConditionalRequestConflict", .serverFailed(409)),
            (.s3, 403, "AccessDenied", .forbidden("AccessDenied")),
            (.s3, 403, "SignatureDoesNotMatch", .wrongCredentials("SignatureDoesNotMatch")),
            (.s3, 403, "RequestTimeTooSkewed", .clockSkew), (.s3, 503, "SlowDown", .throttled(retryAfter: nil)),
            (.s3, 400, "BadDigest", .corrupted), (.s3, 507, "", .full), (.s3, 500, "", .serverFailed(500)),
            (.s3, 301, "PermanentRedirect", .refused(301, "PermanentRedirect")),
            (.azure, 409, "BlobAlreadyExists", .conditionFailed), (.azure, 412, "ConditionNotMet", .conditionFailed),
            (.azure, 404, "ContainerNotFound", .noBucket), (.azure, 404, "BlobNotFound", .notFound),
            (.azure, 403, "AuthenticationFailed", .wrongCredentials("AuthenticationFailed")),
            (.azure, 400, "Md5Mismatch", .corrupted), (.azure, 503, "ServerBusy", .throttled(retryAfter: nil)),
            (.google, 412, "", .conditionFailed), (.google, 401, "", .wrongCredentials("")),
            (.google, 429, "", .throttled(retryAfter: nil)), (.google, 404, "", .notFound),
        ] as [(Dialect, Int, String, StoreFailure)])
    func failures(dialect: Dialect, status: Int, code: String, failure: StoreFailure) throws {
        let body = code.isEmpty ? "" : "<?xml version=\"1.0\"?><Error><Code>\(code)</Code><Message>m</Message></Error>"
        let key = try #require(ObjectKey(parsing: "k"))
        #expect(throws: failure) {
            try dialect.value().outcome(
                of: .get(key, range: nil), answer: OutboundAnswer(status: status, body: Array(body.utf8)))
        }
    }

    @Test("is corrupted where its bytes are not those of its checksum")
    func checksums() throws {
        let key = try #require(ObjectKey(parsing: "k"))
        for (dialect, header) in [
            (Dialect.s3, "x-amz-checksum-sha256"), (.google, "x-goog-hash"), (.azure, "content-md5"),
        ] {
            let sum = dialect == .google ? "crc32c=AAAA,md5=AAAA" : "AAAA"
            #expect(throws: StoreFailure.corrupted) {
                try dialect.value().outcome(
                    of: .get(key, range: nil), answer: OutboundAnswer(status: 200, headers: [header: sum], body: [1]))
            }
        }
    }

    @Test("gives the range that was asked for, also where all came")
    func ranges() throws {
        let key = try #require(ObjectKey(parsing: "k"))
        let range = ObjectRange(first: 2, last: 3)
        let whole = OutboundAnswer(status: 200, body: [0, 1, 2, 3, 4])
        let outcome = try Dialect.s3.value().outcome(of: .get(key, range: range), answer: whole)
        #expect(outcome == .content(StoredContent(bytes: [2, 3], version: nil)))
        #expect(throws: StoreFailure.refused(416, "")) {
            try Dialect.s3.value().outcome(of: .get(key, range: ObjectRange(first: 5)), answer: whole)
        }
    }

    @Test("brings a token that is used until five minutes before its end")
    func tokens() throws {
        var dialect = try Dialect.google.value()
        let now = WallTime(milliseconds: 1_795_256_430_000)
        #expect(dialect.credentialRequest(now: now) != nil)
        let body = Array(#"{"access_token":"t-1","expires_in":3599,"token_type":"Bearer"}"#.utf8)
        try dialect.receiveCredentials(OutboundAnswer(status: 200, body: body), now: now)
        let key = try #require(ObjectKey(parsing: "k"))
        #expect(dialect.request(for: .head(key), now: now).value("Authorization") == "Bearer t-1")
        #expect(dialect.credentialRequest(now: now.advanced(by: .seconds(3298))) == nil)
        #expect(dialect.credentialRequest(now: now.advanced(by: .seconds(3299))) != nil)
        dialect.forgetCredentials()
        #expect(dialect.credentialRequest(now: now) != nil)
        for (status, text, failure) in [
            (400, #"{"error":"invalid_grant"}"#, StoreFailure.wrongCredentials("invalid_grant")),
            (503, "", .throttled(retryAfter: nil)), (200, "{}", .malformed("token")),
            (200, #"{"access_token":"a\nb","expires_in":9}"#, .malformed("token")),
        ] {
            #expect(throws: failure) {
                try dialect.receiveCredentials(OutboundAnswer(status: status, body: Array(text.utf8)), now: now)
            }
        }
    }

    private static let list = ObjectOperation.list(prefix: "a/", after: nil, limit: 10)
}

private struct KeyFile: Decodable {
    let keyFile: String
}
