// SPDX-License-Identifier: Apache-2.0

import Glibc
import Objects

/// A folder of one process within a folder that several may use, empty at first and locked while the process lives.
///
/// Who makes one removes those that nobody has locked any more: what a process that was killed left behind does not stay.
struct ProcessFolder: ~Copyable {
    let path: String
    private let lock: File

    /// Makes one in the folder at `parent`, which is made where it is missing.
    init(in parent: String) throws(StoreFailure) {
        let shared = ObjectFolder(path: parent)
        try shared.prepare()
        // Nobody takes a folder that is made and not locked yet for one that was left.
        let gate = try File("\(shared.path)/\(ObjectFolder.workshop)/lock", O_RDWR | O_CREAT)
        guard flock(gate.descriptor, LOCK_EX) == 0 else { throw ObjectFolder.failure() }
        for name in try Self.names(in: shared.path) where name.hasPrefix(Self.prefix) {
            Self.removeIfLeft("\(shared.path)/\(name)")
        }
        let own = "\(shared.path)/\(Self.prefix)\(UInt64.random(in: 0 ... .max))"
        try ObjectFolder(path: own).prepare()
        let lock = try File(own, O_RDONLY | O_DIRECTORY)
        guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else { throw ObjectFolder.failure() }
        path = own
        self.lock = lock
    }

    private static func removeIfLeft(_ path: String) {
        guard let folder = try? File(path, O_RDONLY | O_DIRECTORY), flock(folder.descriptor, LOCK_EX | LOCK_NB) == 0
        else { return }
        remove(path)
    }

    /// Removes a folder with all that is in it, as far as that is allowed.
    private static func remove(_ path: String) {
        for name in (try? names(in: path)) ?? [] {
            if unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        }
        rmdir(path)
    }

    private static func names(in path: String) throws(StoreFailure) -> [String] {
        guard let directory = opendir(path) else { throw ObjectFolder.failure() }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static let prefix = "process-"
}
