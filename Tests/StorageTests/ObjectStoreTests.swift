// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import Media
import ObjectStorage
import Objects
import Storage
import StoreKit
import Testing

@Suite("An object store")
struct ObjectStoreTests {
    enum Kind: CaseIterable {
        case file, seaweed, moto, googleXML, googleJSON, azure, azureSharedAccess

        func store() async throws -> any ObjectStore {
            switch self {
            case .file: return try FileStore(path: "\(StoreServers.scratch)/\(UUID().uuidString)")
            case .seaweed: return StoreServers.store(S3Dialect(try await StoreServers.seaweed()))
            case .moto: return StoreServers.store(S3Dialect(try await StoreServers.moto()))
            case .googleXML: return StoreServers.store(S3Dialect(try await StoreServers.googleXML()))
            case .googleJSON: return StoreServers.store(try await StoreServers.googleJSON())
            case .azure: return StoreServers.store(AzureDialect(try await StoreServers.azure()))
            case .azureSharedAccess:
                var settings = try await StoreServers.azure()
                guard case .sharedKey(let key) = settings.credential else { break }
                var access = SharedAccessSignature(
                    container: "live", subject: .container, permissions: "rwdl",
                    expires: StoreServers.wall().advanced(by: .seconds(600)))
                access.requiresTLS = false
                settings.credential = .sharedAccess(access.query(signedWith: key))
                return StoreServers.store(AzureDialect(settings))
            }
            throw StoreFailure.malformed("no store")
        }
    }

    @Test("gives back what was written", arguments: Kind.allCases)
    func roundTrip(kind: Kind) async throws {
        let store = try await kind.store()
        let key = try unique("segment.m4s")
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await store.put(key, ObjectContent(bytes, mediaType: "video/mp4", cacheControl: "max-age=60"))
        #expect(try await store.get(key).bytes == bytes)
        #expect(try await store.head(key).size == .bytes(300_000))
        #expect(try await store.get(key, range: ObjectRange(first: 10, last: 19)).bytes == Array(bytes[10...19]))
        #expect(try await store.get(key, range: ObjectRange(first: 299_990)).bytes == Array(bytes[299_990...]))
    }

    @Test("keeps an empty object", arguments: Kind.allCases)
    func empty(kind: Kind) async throws {
        let store = try await kind.store()
        let key = try unique("empty")
        try await store.put(key, text(""))
        #expect(try await store.get(key).bytes == [])
    }

    @Test("takes keys of all characters", arguments: Kind.allCases)
    func keys(kind: Kind) async throws {
        let store = try await kind.store()
        let key = try unique("a b+c=d&e'f(g)!*@:;,/ü€~$%41.m3u8")
        try await store.put(key, text("x"))
        #expect(try await store.get(key).bytes == Array("x".utf8))
        let prefix = String(key.description.prefix { $0 != "/" }) + "/"
        #expect(try await store.list(prefix: prefix).objects == [ListedObject(key: key, size: .bytes(1))])
    }

    @Test("writes a name once, and takes a second time for a success", arguments: Kind.allCases)
    func immutable(kind: Kind) async throws {
        let store = try await kind.store()
        let key = try unique("7.m4s")
        try await store.putImmutable(key, text("first"))
        await #expect(throws: StoreFailure.conditionFailed) { try await store.put(key, text("second"), if: .absent) }
        try await store.putImmutable(key, text("second"))
        #expect(try await store.get(key).bytes == Array("first".utf8))
    }

    @Test("compares and swaps", arguments: Kind.allCases)
    func swap(kind: Kind) async throws {
        let store = try await kind.store()
        let key = try unique("media.m3u8")
        let written = try await store.put(key, text("one"))
        let first = try #require(written)
        #expect(try await store.get(key).version == first)
        let second = try #require(try await store.put(key, text("two"), if: .matches(first)))
        await #expect(throws: StoreFailure.conditionFailed) {
            try await store.put(key, text("three"), if: .matches(first))
        }
        #expect(try await store.head(key).version == second, "after \(first)")
        #expect(try await store.get(key).bytes == Array("two".utf8))
    }

    @Test("lists in pages, in order", arguments: Kind.allCases)
    func pages(kind: Kind) async throws {
        let store = try await kind.store()
        let folder = UUID().uuidString
        let names = ["a", "a.b", "a/b", "a/c/d", "b", "b&<c>"].map { "\(folder)/\($0)" }
        // A folder can not have the name of a file.
        let kept =
            kind == .file || kind == .seaweed || kind == .googleJSON ? names.filter { !$0.hasSuffix("/a") } : names
        for name in kept.shuffled() { try await store.put(try #require(ObjectKey(parsing: name)), text(name)) }
        var found: [String] = []
        var mark: PageMark?
        repeat {
            let page = try await store.list(prefix: folder + "/", after: mark, limit: 2)
            #expect(page.objects.count <= 2)
            found += page.objects.map(\.key.description)
            mark = page.next
        } while mark != nil
        #expect(found.sorted() == kept.sorted())
        #expect(try await store.list(prefix: folder + "/a/", limit: 10).objects.count == 2)
        #expect(try await store.list(prefix: folder + "/none").objects.isEmpty)
    }

    @Test("says that an object is not there, and removes it without a word", arguments: Kind.allCases)
    func missing(kind: Kind) async throws {
        let store = try await kind.store()
        let key = try unique("gone")
        await #expect(throws: StoreFailure.notFound) { try await store.get(key) }
        await #expect(throws: StoreFailure.notFound) { try await store.head(key) }
        try await store.delete(key)
        try await store.put(key, text("x"))
        try await store.delete(key)
        await #expect(throws: StoreFailure.notFound) { try await store.get(key) }
    }

    @Test("in a folder keeps its own files out of reach")
    func reserved() async throws {
        let store = try await Kind.file.store()
        let key = try #require(ObjectKey(parsing: ".millrace-store/lock"))
        await #expect(throws: StoreFailure.forbidden("a reserved name")) { try await store.put(key, text("x")) }
        #expect(try await store.list(prefix: "").objects.isEmpty)
    }

    private func unique(_ name: String) throws -> ObjectKey {
        try #require(ObjectKey(parsing: "\(UUID().uuidString)/\(name)"))
    }

    private func text(_ text: String) -> ObjectContent { ObjectContent(Array(text.utf8), mediaType: "text/plain") }
}
