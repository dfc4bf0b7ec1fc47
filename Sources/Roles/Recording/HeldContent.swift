// SPDX-License-Identifier: Apache-2.0

import Objects
import Storage
import Tracing

/// The bytes of an upload: in memory, or on the disk under the same key.
struct HeldContent {
    let key: ObjectKey
    let offered: ContinuousClock.Instant
    /// The span of the segment, of which the upload is a part; nil where it is not traced.
    let trace: ServiceContext?
    private(set) var content: ObjectContent?
    private let mediaType: String
    private let cacheControl: String?
    private let sha256: [UInt8]?

    init(_ key: ObjectKey, _ content: ObjectContent, offered: ContinuousClock.Instant, trace: ServiceContext? = nil) {
        self.key = key
        self.trace = trace
        self.offered = offered
        self.content = content
        mediaType = content.mediaType
        cacheControl = content.cacheControl
        sha256 = content.sha256
    }

    /// The bytes are on the disk: memory lets them go.
    mutating func forget() { content = nil }

    /// The content, from wherever it is.
    func read(from disk: (any ObjectStore)?) async throws(StoreFailure) -> ObjectContent {
        if let content { return content }
        guard let disk else { throw .notFound }
        let bytes = try await disk.get(key).bytes
        return ObjectContent(bytes, mediaType: mediaType, cacheControl: cacheControl, sha256: sha256)
    }
}
