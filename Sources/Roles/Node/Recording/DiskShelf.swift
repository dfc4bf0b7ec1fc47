// SPDX-License-Identifier: Apache-2.0

import Bytes
import Objects
import Storage

/// Objects that were read once, in a folder of this process; what was not asked for longest goes first. A disk that fails is
/// as one that has nothing.
actor DiskShelf {
    private let store: any ObjectStore
    private let limit: ByteCount
    private var kept: [ObjectKey: (size: Int, used: UInt64)] = [:]
    private var bytes = 0
    private var clock: UInt64 = 0

    /// A shelf over an empty store.
    init(_ store: any ObjectStore, limit: ByteCount) {
        self.store = store
        self.limit = limit
    }

    /// The bytes of an object; nil where they are not here.
    func take(_ key: ObjectKey) async -> [UInt8]? {
        guard kept[key] != nil else { return nil }
        clock += 1
        kept[key]?.used = clock
        guard let content = try? await store.get(key) else {
            await remove(key)
            return nil
        }
        return content.bytes
    }

    /// Keeps an object.
    func keep(_ content: [UInt8], under key: ObjectKey) async {
        guard kept[key] == nil, content.count <= limit.bytes else { return }
        do throws(StoreFailure) {
            try await store.put(key, ObjectContent(content, mediaType: "video/mp4"))
        } catch {
            return
        }
        guard kept[key] == nil else { return }
        clock += 1
        kept[key] = (content.count, clock)
        bytes += content.count
        while bytes > limit.bytes, let oldest = kept.min(by: { $0.value.used < $1.value.used }) {
            await remove(oldest.key)
        }
    }

    private func remove(_ key: ObjectKey) async {
        bytes -= kept.removeValue(forKey: key)?.size ?? 0
        try? await store.delete(key)
    }
}
