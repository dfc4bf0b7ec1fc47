// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
public import Objects

/// An object store in a folder: a file for each object, under its key.
///
/// A file is written beside the others and then given its name, so nobody ever reads half an object, and what was written
/// survives a loss of power. Several processes may use one folder. How an object is served, its media type and its caching,
/// is not kept: whoever serves the folder knows it by the names.
public final class FileStore: ObjectStore {
    private let folder: ObjectFolder
    /// What keeps other processes out of a folder that is this one's alone.
    private let ownership: File?
    /// Disks block: reading and writing have threads of their own.
    private let queue = DispatchQueue(label: "millrace.file-store", attributes: .concurrent)

    /// A store in the folder at `path`, which is made where it is missing.
    public init(path: String) throws(StoreFailure) {
        folder = ObjectFolder(path: path)
        try folder.prepare()
        ownership = nil
    }

    /// A store of this process alone, in a folder of its own below `path`. It begins empty: what a process that died left
    /// there is removed. Throws ``StoreFailure/forbidden(_:)`` while another process has it.
    public init(ofThisProcessBelow path: String) throws(StoreFailure) {
        folder = ObjectFolder(path: "\(path)/\(ObjectFolder.own)")
        try folder.prepare()
        ownership = try folder.own()
        try folder.clear()
    }

    /// Does one operation. Nothing is tried again: a disk that fails does not get better.
    public func perform(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
        let result = await withCheckedContinuation { continuation in
            queue.async { [folder] in
                continuation.resume(returning: Result { () throws(StoreFailure) in try folder.perform(operation) })
            }
        }
        return try result.get()
    }
}

extension ObjectFolder {
    /// Does one operation, and blocks its thread for it.
    fileprivate func perform(_ operation: ObjectOperation) throws(StoreFailure) -> ObjectOutcome {
        switch operation {
        case .put(let key, let content, let condition):
            return .written(try write(content.bytes, to: key, if: condition))
        case .get(let key, let range): return .content(try read(key, range: range))
        case .head(let key): return .found(try describe(key))
        case .list(let prefix, let mark, let limit):
            return .page(try FolderListing(path: path, prefix: prefix, after: mark?.text).page(limit: limit))
        case .delete(let key):
            try remove(key)
            return .removed
        }
    }
}
