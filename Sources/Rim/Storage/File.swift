// SPDX-License-Identifier: Apache-2.0

import Glibc
import Objects

/// An open file, closed when it goes.
struct File: ~Copyable {
    let descriptor: Int32

    init(_ path: String, _ flags: Int32) throws(StoreFailure) {
        descriptor = open(path, flags | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ObjectFolder.failure() }
    }

    deinit { close(descriptor) }

    /// How long it is and which content it has: another file is another inode, and an inode that is used again has another
    /// time.
    func describe() throws(StoreFailure) -> (size: Int, version: ObjectVersion) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ObjectFolder.failure() }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notFound }
        let time = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        return (Int(status.st_size), ObjectVersion("\(status.st_ino)-\(time)-\(status.st_size)"))
    }

    /// Writes all and waits until the disk has it.
    func write(_ bytes: [UInt8]) throws(StoreFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw ObjectFolder.failure() }
            rest = rest.dropFirst(max(0, count))
        }
        guard fsync(descriptor) == 0 else { throw ObjectFolder.failure() }
    }

    /// Reads `count` bytes from `first` on; fewer where the file ends.
    func read(from first: Int, count: Int) throws(StoreFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        var block = [UInt8](repeating: 0, count: min(max(count, 1), 1 << 18))
        while bytes.count < count {
            let got = pread(descriptor, &block, min(block.count, count - bytes.count), first + bytes.count)
            guard got >= 0 || errno == EINTR else { throw ObjectFolder.failure() }
            if got == 0 { break }
            bytes += block.prefix(max(0, got))
        }
        return bytes
    }
}
