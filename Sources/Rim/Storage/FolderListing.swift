// SPDX-License-Identifier: Apache-2.0

import Bytes
import Glibc
import Objects

/// The files below a folder, in the order of their keys' bytes, as stores list.
struct FolderListing {
    private let path: String
    private let prefix: String
    private let mark: String

    init(path: String, prefix: String, after mark: String?) {
        self.path = path
        self.prefix = prefix
        self.mark = mark ?? ""
    }

    /// A page of at most so many.
    func page(limit: Int) throws(StoreFailure) -> ObjectPage {
        var objects: [ListedObject] = []
        try walk("", limit: limit, into: &objects)
        let isWhole = objects.count <= limit
        objects = Array(objects.prefix(limit))
        return ObjectPage(objects: objects, next: isWhole ? nil : objects.last.map { PageMark($0.key.description) })
    }

    /// Takes one more than fit, to know whether there are more.
    private func walk(_ folder: String, limit: Int, into objects: inout [ListedObject]) throws(StoreFailure) {
        for name in try names(in: folder) where objects.count <= limit {
            let key = folder + name
            if name.hasSuffix("/") {
                let mayHold = key.hasPrefix(prefix) || prefix.hasPrefix(key)
                let isOver = !(mark.hasPrefix(key) || Self.isBefore(mark, key))
                if mayHold, !isOver { try walk(key, limit: limit, into: &objects) }
            } else if key.hasPrefix(prefix), Self.isBefore(mark, key), let object = ObjectKey(parsing: key),
                let size = try? File("\(path)/\(key)", O_RDONLY).describe().size
            {
                objects.append(ListedObject(key: object, size: .bytes(size)))
            }
        }
    }

    /// In order, folders with the slash that comes next in their keys.
    private func names(in folder: String) throws(StoreFailure) -> [String] {
        guard let directory = opendir("\(path)/\(folder)") else {
            // One that was removed meanwhile holds nothing.
            if errno == ENOENT { return [] }
            throw ObjectFolder.failure()
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = Self.name(of: entry)
            guard name != ".", name != "..", name != ObjectFolder.workshop else { continue }
            names.append(Int32(entry.pointee.d_type) == Int32(DT_DIR) ? name + "/" : name)
        }
        return names.sorted { Self.isBefore($0, $1) }
    }

    static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
        withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
    }

    private static func isBefore(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
