// SPDX-License-Identifier: Apache-2.0

import Glibc
import Objects

/// What processes leave behind that were killed.
extension ObjectFolder {
    /// Takes the folder for this process, for as long as the file is open.
    func own() throws(StoreFailure) -> File {
        let file = try File("\(path)/\(Self.workshop)/owner", O_RDWR | O_CREAT)
        guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? .forbidden("another process has it") : Self.failure()
        }
        return file
    }

    /// Removes all objects, and what was never whole.
    func clear() throws(StoreFailure) {
        // Whatever the clock says.
        removeDrafts(olderThan: .min)
        for object in try FolderListing(path: path, prefix: "", after: nil).page(limit: .max - 1).objects {
            try remove(object.key)
        }
    }

    /// Removes files that somebody began to write so many seconds ago and did not come to name.
    func removeDrafts(olderThan age: Int) {
        let workshop = "\(path)/\(Self.workshop)"
        guard let directory = opendir(workshop) else { return }
        defer { closedir(directory) }
        let now = time(nil)
        while let entry = readdir(directory) {
            let name = FolderListing.name(of: entry)
            var status = stat()
            guard UInt64(name) != nil, stat("\(workshop)/\(name)", &status) == 0, now - status.st_mtim.tv_sec >= age
            else { continue }
            unlink("\(workshop)/\(name)")
        }
    }

    /// Where a store of one process is.
    static let own = ".millrace-own"
    /// An hour: no process writes one object for so long.
    static let longestWrite = 3600
}
