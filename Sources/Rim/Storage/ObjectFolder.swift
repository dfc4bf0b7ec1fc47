// SPDX-License-Identifier: Apache-2.0

import Bytes
import Glibc
import Objects

/// The files of a ``FileStore``. All calls block.
struct ObjectFolder: Sendable {
    /// The folder, without a slash behind it.
    let path: String

    init(path: String) { self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }

    /// Makes the folder, and within it one for files that are not whole yet.
    func prepare() throws(StoreFailure) {
        try makeFolders(above: "\(Self.workshop)/x")
        removeDrafts(olderThan: Self.longestWrite)
    }

    /// Writes an object; its new version.
    func write(
        _ bytes: [UInt8], to key: ObjectKey, if condition: ObjectCondition
    ) throws(StoreFailure) -> ObjectVersion {
        guard !key.description.hasPrefix(Self.workshop + "/") else { throw .forbidden("a reserved name") }
        let draft = "\(path)/\(Self.workshop)/\(UInt64.random(in: 0 ... .max))"
        defer { unlink(draft) }
        try writeDraft(bytes, at: draft)
        let version = try version(of: draft)
        try alone { () throws(StoreFailure) in
            try makeFolders(above: key.description)
            try publish(draft, as: key, if: condition)
        }
        try synchronize(folderOf: key.description)
        return version
    }

    /// Reads an object, or a range of it.
    func read(_ key: ObjectKey, range: ObjectRange?) throws(StoreFailure) -> StoredContent {
        let file = try File("\(path)/\(key)", O_RDONLY)
        let (size, version) = try file.describe()
        let first = Int(clamping: range?.first ?? 0)
        guard first == 0 || first < size else { throw .refused(416, "") }
        let end = min(size - 1, Int(clamping: range?.last ?? .max)) + 1
        return StoredContent(bytes: try file.read(from: first, count: end - first), version: version)
    }

    /// The size and the version of an object.
    func describe(_ key: ObjectKey) throws(StoreFailure) -> ObjectDescription {
        let (size, version) = try File("\(path)/\(key)", O_RDONLY).describe()
        return ObjectDescription(size: .bytes(size), version: version)
    }

    /// Removes an object, and the folders that are empty without it. What was compared with it is not written after that.
    func remove(_ key: ObjectKey) throws(StoreFailure) {
        try alone { () throws(StoreFailure) in
            guard unlink("\(path)/\(key)") == 0 || errno == ENOENT || errno == ENOTDIR else { throw Self.failure() }
            var parts = key.description.split(separator: "/").dropLast()
            while !parts.isEmpty, rmdir("\(path)/" + parts.joined(separator: "/")) == 0 { parts.removeLast() }
        }
    }

    private func writeDraft(_ bytes: [UInt8], at draft: String) throws(StoreFailure) {
        let file = try File(draft, O_WRONLY | O_CREAT | O_EXCL)
        try file.write(bytes)
    }

    /// Gives or takes names while nobody else does, in no process.
    private func alone(_ work: () throws(StoreFailure) -> Void) throws(StoreFailure) {
        let lock = try File("\(path)/\(Self.workshop)/lock", O_RDWR | O_CREAT)
        guard flock(lock.descriptor, LOCK_EX) == 0 else { throw Self.failure() }
        defer { flock(lock.descriptor, LOCK_UN) }
        try work()
    }

    /// Gives a whole file its name, while nobody else does.
    private func publish(
        _ draft: String, as key: ObjectKey, if condition: ObjectCondition
    ) throws(StoreFailure) {
        let name = "\(path)/\(key)"
        switch condition {
        case .none: guard rename(draft, name) == 0 else { throw Self.failure() }
        case .absent:
            guard link(draft, name) == 0 else { throw errno == EEXIST ? .conditionFailed : Self.failure() }
        case .matches(let version):
            guard (try? self.version(of: name)) == version else { throw .conditionFailed }
            guard rename(draft, name) == 0 else { throw Self.failure() }
        }
    }

    private func version(of name: String) throws(StoreFailure) -> ObjectVersion {
        try File(name, O_RDONLY).describe().version
    }

    private func makeFolders(above name: String) throws(StoreFailure) {
        let parts = ("\(path)/\(name)").split(separator: "/", omittingEmptySubsequences: false).dropLast()
        var folder = ""
        for part in parts {
            folder += folder.isEmpty && part.isEmpty ? "/" : folder.isEmpty || folder == "/" ? part : "/\(part)"
            guard mkdir(folder, 0o755) == 0 || errno == EEXIST || errno == EISDIR else { throw Self.failure() }
        }
    }

    /// A name is on the disk when its folder is.
    private func synchronize(folderOf name: String) throws(StoreFailure) {
        let parts = name.split(separator: "/").dropLast()
        let folder = try File(([path] + parts.map(String.init)).joined(separator: "/"), O_RDONLY | O_DIRECTORY)
        guard fsync(folder.descriptor) == 0 else { throw Self.failure() }
    }

    /// What the last error of the system means for a store.
    static func failure() -> StoreFailure {
        switch errno {
        case ENOENT, ENOTDIR, EISDIR: .notFound
        case ENOSPC, EDQUOT, EFBIG: .full
        case EACCES, EPERM, EROFS: .forbidden(String(cString: strerror(errno)))
        default: .unreachable(String(cString: strerror(errno)))
        }
    }

    /// Where files are written before they have a name; no object may be there.
    static let workshop = ".millrace-store"
}
