// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import COpenSSL
import Glibc
import NIOCore

/// What a node asks of its process before it opens the first socket.
public enum ProcessLimits {
    /// Ignores SIGPIPE, so that a viewer who leaves in the middle of a write is an error of that write only, and raises
    /// the number of open files to what the system allows. Returns that number. OpenSSL, which nothing may have used yet,
    /// shall not clean up when the process ends: a request to a store that is signed at that moment would read freed memory.
    @discardableResult
    public static func prepare() -> UInt64 {
        signal(SIGPIPE, SIG_IGN)
        OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return UInt64(limit.rlim_cur)
    }

    /// How many processors this process may use, by its affinity mask, at least 1: a loop more than that only adds
    /// wake-ups.
    public static var processors: Int {
        var mask = [UInt64](repeating: 0, count: 128)
        guard sched_getaffinity(0, UInt(mask.count * 8), &mask) == 0 else { return 1 }
        return max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount })
    }

    /// The address to listen at for a setting: `::` takes IPv4 too, and becomes `0.0.0.0` where the kernel has no IPv6.
    public static func listenAddress(for host: String) -> String {
        guard host == "::" else { return host }
        let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return "0.0.0.0" }
        defer { close(descriptor) }
        let address = try? SocketAddress(ipAddress: host, port: 0)
        let isUsable = address?.withSockAddr { bind(descriptor, $0, socklen_t($1)) == 0 } ?? false
        return isUsable ? host : "0.0.0.0"
    }
}
