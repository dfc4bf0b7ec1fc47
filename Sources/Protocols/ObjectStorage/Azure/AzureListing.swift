// SPDX-License-Identifier: Apache-2.0

import Objects

/// Reads an `EnumerationResults` ("List Blobs").
struct AzureListing {
    let page: ObjectPage

    init(_ body: [UInt8], prefix: String) throws(StoreFailure) {
        // Azure begins its answer with a byte order mark.
        var reader = XMLReader(body.starts(with: Self.mark) ? Array(body.dropFirst(Self.mark.count)) : body)
        var objects: [ListedObject] = []
        var key = ""
        var size = 0
        var (next, isWhole) = ("", false)
        do {
            while let event = try reader.next() {
                guard case .end(let name, let text) = event else { continue }
                switch (reader.path + [name]).dropFirst() {
                case ["Blobs", "Blob", "Name"]: key = text
                case ["Blobs", "Blob", "Properties", "Content-Length"]: size = Int(text) ?? -1
                case ["Blobs", "Blob"]:
                    if let object = ListedObject(key, size, prefix: prefix) { objects.append(object) }
                case ["NextMarker"]: next = text
                case []: isWhole = name == "EnumerationResults"
                default: break
                }
            }
        } catch {
            throw .malformed("listing")
        }
        guard isWhole else { throw .malformed("listing") }
        page = ObjectPage(objects: objects, next: next.isEmpty ? nil : PageMark(next))
    }

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
}
