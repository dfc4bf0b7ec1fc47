// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc

/// A raw socket on one network interface: every frame that comes in there, and none that goes out (packet(7)).
public final class PacketPort {
    /// For poll(2).
    public let descriptor: Int32

    /// Needs CAP_NET_RAW.
    public init(interface: String) throws(PacketPortFailure) {
        let index = if_nametoindex(interface)
        guard index != 0 else { throw PacketPortFailure(step: "interface \(interface)", code: errno) }
        let everything = Int32(UInt16(MILLRACE_ETH_P_ALL).bigEndian)
        descriptor = socket(Int32(MILLRACE_AF_PACKET), Int32(SOCK_RAW.rawValue | SOCK_NONBLOCK.rawValue), everything)
        guard descriptor >= 0 else { throw PacketPortFailure(step: "packet socket", code: errno) }
        set(SOL_SOCKET, SO_RCVBUFFORCE, Self.buffer)
        set(SOL_SOCKET, SO_SNDBUFFORCE, Self.buffer)
        set(Int32(MILLRACE_SOL_PACKET), Int32(MILLRACE_PACKET_IGNORE_OUTGOING), 1)
        var address = millrace_sockaddr_ll()
        address.family = UInt16(MILLRACE_AF_PACKET)
        address.protocol = UInt16(MILLRACE_ETH_P_ALL).bigEndian
        address.interface = Int32(index)
        let bound = withUnsafeBytes(of: &address) { bytes in
            bind(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard bound == 0 else { throw PacketPortFailure(step: "bind to \(interface)", code: errno) }
    }

    deinit { close(descriptor) }

    /// The next frame, put into `buffer`; its length, or nothing where none waits.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        return count > 0 ? count : nil
    }

    /// A frame that the interface does not take at once is lost, as on any line.
    public func send(_ frame: [UInt8]) {
        _ = frame.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        withUnsafeBytes(of: value) { _ = setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count)) }
    }

    /// Bytes that wait in the kernel while this process does not run: 8 MiB.
    private static let buffer: Int32 = 8 << 20
}

/// What the kernel refused.
public struct PacketPortFailure: Error {
    /// What was tried.
    public let step: String
    /// The errno.
    public let code: Int32
}
