// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The files and sockets that this process has open.
public enum OpenDescriptors {
    /// How many: the size of /proc/self/fd, as Linux has it from 6.2 on, else the number of its entries.
    public static var count: Int {
        var status = stat()
        if stat("/proc/self/fd", &status) == 0, status.st_size > 0 { return Int(status.st_size) }
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        // `.`, `..` and the descriptor of the folder itself.
        var count = -3
        while readdir(folder) != nil { count += 1 }
        return max(0, count)
    }
}
