// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the system says of this process.
enum ProcessFacts {
    /// The machine's name, which is the node's.
    static let hostName: String = {
        var bytes = [CChar](repeating: 0, count: 256)
        gethostname(&bytes, bytes.count - 1)
        return bytes.withUnsafeBufferPointer { String(decoding: $0.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self) }
    }()

    /// The file of this program: what it was called by may be a bare name that a shell found.
    static var program: String { link("/proc/self/exe") ?? CommandLine.arguments[0] }

    /// What a symbolic link leads to; nil where there is none that this process may read.
    static func link(_ path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = bytes.withUnsafeMutableBytes { room in
            room.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), room.count) } ?? 0
        }
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }

    /// How many descriptors this process may have: now, and where it raises its limit itself, as a node does.
    static var descriptorLimit: (now: UInt64, raised: UInt64) {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return (UInt64(limit.rlim_cur), UInt64(limit.rlim_max))
    }

    /// The resident set in bytes: the second number of /proc/self/statm, in pages.
    static var residentMemory: Int {
        let descriptor = open("/proc/self/statm", O_RDONLY)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(descriptor, &bytes, bytes.count)
        let fields = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
    }

    /// What all threads of this process have used of the processors so far; `clock` counts microseconds by POSIX.
    static var processorTime: Duration { .microseconds(clock()) }
}
