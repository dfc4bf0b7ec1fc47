// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import Objects
import Storage
import StoreKit
import Testing

@Suite("A store in a folder")
struct FileStoreTests {
    private let folder = "\(StoreServers.scratch)/\(UUID().uuidString)"
    private let content = ObjectContent([1, 2, 3], mediaType: "video/mp4", cacheControl: nil)

    @Test("of one process begins without what a dead one left, and leaves alone what is beside it")
    func beginsEmpty() async throws {
        let key = try #require(ObjectKey(parsing: "live/show/main/1-2/7.m4s"))
        try write("\(folder)/mine.txt")
        try await FileStore(ofThisProcessBelow: folder).put(key, content)
        try write("\(folder)/.millrace-own/.millrace-store/123")
        let store = try FileStore(ofThisProcessBelow: folder)
        let left = try files().filter { !$0.hasSuffix("/lock") }
        #expect(left == [".millrace-own/.millrace-store/owner", "mine.txt"])
        try await store.put(key, content)
        #expect(try await store.get(key).bytes == [1, 2, 3])
    }

    @Test("of one process is no other's at the same time")
    func belongsToOne() throws {
        let store = try FileStore(ofThisProcessBelow: folder)
        #expect(throws: StoreFailure.forbidden("another process has it")) {
            try FileStore(ofThisProcessBelow: folder)
        }
        withExtendedLifetime(store) {}
    }

    @Test("removes what somebody began to write an hour ago, and nothing that is being written")
    func drafts() throws {
        _ = try FileStore(path: folder)
        for (name, age) in [("1", 3700.0), ("2", 3500), ("lock", 3700)] {
            try write("\(folder)/.millrace-store/\(name)", age: age)
        }
        _ = try FileStore(path: folder)
        #expect(try files() == [".millrace-store/2", ".millrace-store/lock"])
    }

    @Test("does not bring back what is deleted while it is written anew")
    func deletion() async throws {
        let store = try FileStore(path: folder)
        let key = try #require(ObjectKey(parsing: "live/show/main/7.m3u8"))
        for _ in 0..<500 {
            let version = try #require(try await store.put(key, content))
            async let deletion: () = store.delete(key)
            _ = try? await store.put(key, content, if: .matches(version))
            try await deletion
            // Whichever came first, the deletion counts.
            await #expect(throws: StoreFailure.notFound) { try await store.head(key) }
        }
    }

    private func write(_ path: String, age: TimeInterval = 0) throws {
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data([0]).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
    }

    /// All files below the folder.
    private func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).sorted().filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(folder)/\($0)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }
}
