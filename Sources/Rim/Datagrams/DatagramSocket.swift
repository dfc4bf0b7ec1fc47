// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Cluster
import Glibc

/// A bound UDP socket that never blocks.
final class DatagramSocket: Sendable {
    let descriptor: Int32
    /// Whether it takes addresses of IPv6, mapped ones with them; a machine without IPv6 has sockets of IPv4 only.
    let isIPv6: Bool
    /// Whether the kernel may give several datagrams at once.
    let coalesces: Bool
    /// The port that it has.
    let port: UInt16

    init(_ settings: DatagramSettings) throws(DatagramFailure) {
        let flags = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let six = socket(AF_INET6, flags, 0)
        isIPv6 = six >= 0
        descriptor = isIPv6 ? six : socket(AF_INET, flags, 0)
        guard descriptor >= 0 else { throw DatagramFailure(step: "socket", code: errno) }
        if isIPv6 { Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        if settings.isShared { Self.set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
        Self.resize(descriptor, SO_RCVBUFFORCE, SO_RCVBUF, settings.receiveBuffer)
        Self.resize(descriptor, SO_SNDBUFFORCE, SO_SNDBUF, settings.sendBuffer)
        Self.set(descriptor, SOL_SOCKET, Int32(MILLRACE_SO_RXQ_OVFL), 1)
        coalesces =
            settings.coalescing && Self.set(descriptor, Int32(MILLRACE_SOL_UDP), Int32(MILLRACE_UDP_GRO), 1)
        port = try Self.bind(descriptor, isIPv6: isIPv6, to: settings.local)
    }

    deinit { close(descriptor) }

    private static func bind(
        _ descriptor: Int32, isIPv6: Bool, to local: Endpoint
    ) throws(DatagramFailure) -> UInt16 {
        let room = UnsafeMutableRawPointer.allocate(byteCount: DatagramAddress.socketAddressSize, alignment: 8)
        defer { room.deallocate() }
        let address = room.assumingMemoryBound(to: sockaddr.self)
        var size = DatagramAddress(local).write(to: room, isIPv6: isIPv6)
        guard Glibc.bind(descriptor, address, size) == 0, getsockname(descriptor, address, &size) == 0 else {
            let code = errno
            close(descriptor)
            throw DatagramFailure(step: "bind \(local)", code: code)
        }
        return DatagramAddress(socketAddress: room).port
    }

    /// As root past the machine's limit, else up to it.
    private static func resize(_ descriptor: Int32, _ forced: Int32, _ option: Int32, _ size: Int) {
        let size = Int32(clamping: size)
        if !set(descriptor, SOL_SOCKET, forced, size) { set(descriptor, SOL_SOCKET, option, size) }
    }

    @discardableResult
    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        withUnsafeBytes(of: value) {
            setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) == 0
        }
    }
}
