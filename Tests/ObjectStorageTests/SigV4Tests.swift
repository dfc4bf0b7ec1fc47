// SPDX-License-Identifier: Apache-2.0

import Media
import ObjectStorage
import Objects
import Signing
import Testing

@Suite("Signature Version 4")
struct SigV4Tests {
    private let file: File

    init() throws { file = try vectors("sigv4.json", as: File.self) }

    @Test("signs the examples of Amazon's documentation as it does")
    func published() throws {
        #expect(file.published.count == 4)
        for vector in file.published {
            let request = try #require(file.requests[vector.name])
            let signed = Self.signer(region: "us-east-1").signed(
                request, payload: .hashed(Digest.sha256.hash(request.body[...])), now: vector.now)
            #expect(signed.value("Authorization")?.hasSuffix("Signature=\(vector.signature)") == true, "\(vector.name)")
        }
    }

    @Test("signs the presigned URL of Amazon's documentation as it does")
    func publishedURL() {
        let url = Self.signer(region: "us-east-1").presigned(
            OutboundRequest(method: "GET", url: "https://examplebucket.s3.amazonaws.com/test.txt"),
            lifetime: .seconds(86_400), now: WallTime(milliseconds: 1_369_353_600_000))
        #expect(url.hasSuffix("aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"))
    }

    @Test("signs requests as botocore does")
    func botocore() {
        #expect(file.botocore.count == 48)
        for vector in file.botocore {
            let request = vector.request.request
            let payload: SigV4Signer.Payload =
                vector.payload == "UNSIGNED-PAYLOAD" ? .unsigned : .hashed(Digest.sha256.hash(request.body[...]))
            let signed = Self.signer(token: vector.token).signed(request, payload: payload, now: vector.now)
            #expect(signed.value("x-amz-content-sha256") == vector.payload)
            #expect(signed.value("Authorization") == vector.authorization, "\(vector.name) \(request.url)")
        }
    }

    @Test("signs URLs as botocore does")
    func presigned() {
        #expect(!file.presigned.isEmpty)
        for vector in file.presigned {
            let url = Self.signer(token: vector.token).presigned(
                OutboundRequest(method: "GET", url: vector.url), lifetime: .seconds(vector.lifetime), now: vector.now)
            #expect(url.hasSuffix("X-Amz-Signature=\(vector.signature)"), "\(vector.name)")
        }
    }

    @Test("does not tell its secret")
    func secrecy() {
        let scheme = SigningScheme.amazon(accessKey: "AK", secret: "hidden", region: "r")
        #expect(!"\(scheme) \(String(reflecting: scheme))".contains("hidden"))
        #expect(Mirror(reflecting: scheme).children.isEmpty)
    }

    private static func signer(region: String = "eu-central-1", token: String? = nil) -> SigV4Signer {
        SigV4Signer(
            .amazon(
                accessKey: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region: region),
            sessionToken: token)
    }
}

private struct File: Decodable {
    let published: [Published]
    let botocore: [Signed]
    let presigned: [Presigned]
    let requests: [String: OutboundRequest]

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        published = try values.decode([Published].self, forKey: .published)
        botocore = try values.decode([Signed].self, forKey: .botocore)
        presigned = try values.decode([Presigned].self, forKey: .presigned)
        let bare = try values.decode([RequestVector].self, forKey: .published)
        requests = Dictionary(uniqueKeysWithValues: zip(published.map(\.name), bare.map(\.request)))
    }

    private enum CodingKeys: CodingKey { case published, botocore, presigned }
}

private struct Published: Decodable {
    let name: String
    let time: Int64
    let signature: String
    var now: WallTime { WallTime(milliseconds: time * 1000) }
}

private struct Signed: Decodable {
    let name: String
    let request: RequestVector
    let payload: String
    let token: String?
    let time: Int64
    let authorization: String
    var now: WallTime { WallTime(milliseconds: time * 1000) }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        request = try RequestVector(from: decoder)
        payload = try values.decode(String.self, forKey: .payload)
        token = try values.decodeIfPresent(String.self, forKey: .token)
        time = try values.decode(Int64.self, forKey: .time)
        authorization = try values.decode(String.self, forKey: .authorization)
    }

    private enum CodingKeys: CodingKey { case name, payload, token, time, authorization }
}

private struct Presigned: Decodable {
    let name: String
    let url: String
    let token: String?
    let time: Int64
    let lifetime: Int64
    let signature: String
    var now: WallTime { WallTime(milliseconds: time * 1000) }
}
