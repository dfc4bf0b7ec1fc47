// SPDX-License-Identifier: Apache-2.0

import Media
import ObjectStorage
import Objects
import Testing

@Suite("Azure's signatures")
struct AzureSigningTests {
    private let file: File
    private let key: AzureKey
    private var now: WallTime { WallTime(milliseconds: file.time * 1000) }

    init() throws {
        file = try vectors("azure.json", as: File.self)
        key = try #require(AzureKey(account: "account", base64: file.key))
    }

    @Test("by SharedKey are those of azure-storage-blob")
    func sharedKey() throws {
        #expect(file.requests.count == 7)
        for (vector, expected) in zip(file.requests, file.authorizations) {
            let signed = SharedKeySigner(key).signed(vector.request, now: now)
            #expect(signed.value("Authorization") == expected, "\(vector.method) \(vector.url)")
        }
    }

    @Test("for shared access are those of azure-storage-blob")
    func sharedAccess() throws {
        var access = SharedAccessSignature(
            container: "container", subject: .blob(try #require(ObjectKey(parsing: "live/news/7.m4s"))),
            permissions: "r", expires: now.advanced(by: .seconds(3600)))
        access.starts = now
        #expect(pairs(access.query(signedWith: key)) == pairs(file.blob))
        access.subject = .container
        access.permissions = "rl"
        access.starts = nil
        access.requiresTLS = false
        #expect(pairs(access.query(signedWith: key)) == pairs(file.container))
    }

    @Test("need a key in base64")
    func keys() {
        #expect(AzureKey(account: "a", base64: "") == nil)
        #expect(AzureKey(account: "a", base64: "*") == nil)
        #expect("\(key)" == "account")
    }

    /// A query's pairs in order; both spell escapes in their own way.
    private func pairs(_ query: String) -> [String] {
        query.replacing("%2C", with: ",").replacing("%3A", with: ":").replacing("%2F", with: "/").split(separator: "&")
            .map(String.init).sorted()
    }
}

private struct File: Decodable {
    let key: String
    let time: Int64
    let requests: [RequestVector]
    let authorizations: [String]
    let blob: String
    let container: String

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        key = try values.decode(String.self, forKey: .key)
        time = try values.decode(Int64.self, forKey: .time)
        requests = try values.decode([RequestVector].self, forKey: .requests)
        authorizations = try values.decode([Authorized].self, forKey: .requests).map(\.authorization)
        blob = try values.decode(String.self, forKey: .blob)
        container = try values.decode(String.self, forKey: .container)
    }

    private enum CodingKeys: CodingKey { case key, time, requests, blob, container }
    private struct Authorized: Decodable { let authorization: String }
}
