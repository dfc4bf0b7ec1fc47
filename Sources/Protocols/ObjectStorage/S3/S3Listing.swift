// SPDX-License-Identifier: Apache-2.0

import Bytes
import Objects

/// Reads a `ListBucketResult`, version 2 (S3 API reference, ListObjectsV2).
struct S3Listing {
    let page: ObjectPage

    init(_ body: [UInt8], prefix: String) throws(StoreFailure) {
        var reader = XMLReader(body)
        var objects: [ListedObject] = []
        var key = ""
        var size = 0
        var (next, isWhole) = ("", false)
        do {
            while let event = try reader.next() {
                guard case .end(let name, let text) = event else { continue }
                switch reader.path + [name] {
                case ["ListBucketResult", "Contents", "Key"]: key = text
                case ["ListBucketResult", "Contents", "Size"]: size = Int(text) ?? -1
                case ["ListBucketResult", "Contents"]:
                    if let object = ListedObject(key, size, prefix: prefix) { objects.append(object) }
                case ["ListBucketResult", "NextContinuationToken"]: next = text
                case ["ListBucketResult"]: isWhole = true
                default: break
                }
            }
        } catch {
            throw .malformed("listing")
        }
        guard isWhole else { throw .malformed("listing") }
        page = ObjectPage(objects: objects, next: next.isEmpty ? nil : PageMark(next))
    }
}

extension ListedObject {
    /// An object as a store lists it; nil for a key that is not of ours, as folders are that consoles make.
    init?(_ key: String, _ size: Int, prefix: String) {
        guard let key = ObjectKey(parsing: key), key.description.hasPrefix(prefix), size >= 0 else { return nil }
        self.init(key: key, size: .bytes(size))
    }
}
