// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Cluster
import Glibc

/// Reads datagrams of any socket of its thread: what the kernel put together (UDP_GRO) with one call.
final class DatagramReader {
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private let control = UnsafeMutableRawBufferPointer.allocate(byteCount: 128, alignment: 8)
    private let name = UnsafeMutableRawBufferPointer.allocate(byteCount: 128, alignment: 8)
    private let message = UnsafeMutablePointer<millrace_mmsghdr>.allocate(capacity: 1)
    private let part = UnsafeMutablePointer<millrace_iovec>.allocate(capacity: 1)

    /// Where the last datagram came from, as the kernel wrote it: nearly all come from one server.
    private var source: (name: [UInt8], endpoint: Endpoint)?

    init() {
        part.initialize(to: millrace_iovec(base: buffer.baseAddress, length: UInt(buffer.count)))
        message.initialize(to: millrace_mmsghdr())
    }

    /// A socket that is read by this; nil where this machine has none.
    static func open(_ family: Int32) -> Int32? {
        let flags = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = Glibc.socket(family, flags, 0)
        guard socket >= 0 else { return nil }
        var (one, room): (Int32, Int32) = (1, 1 << 20)
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(socket, Int32(MILLRACE_SOL_UDP), Int32(MILLRACE_UDP_GRO), &one, size)
        setsockopt(socket, SOL_SOCKET, Int32(MILLRACE_SO_RXQ_OVFL), &one, size)
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &room, size)
        return socket
    }

    deinit {
        for memory in [buffer, control, name] { memory.deallocate() }
        message.deallocate()
        part.deallocate()
    }

    /// Reads once. Calls `body` with each datagram, which may be changed in place.
    /// - Returns: how many datagrams the kernel has dropped at this socket so far; nil where it does not say.
    func read(_ socket: Int32, _ body: (UnsafeMutableRawBufferPointer, Endpoint) -> Void) -> Int? {
        message.pointee.header = millrace_msghdr(
            name: name.baseAddress, name_length: UInt32(name.count), parts: part, part_count: 1,
            control: control.baseAddress, control_length: UInt(control.count), flags: 0)
        guard recvmmsg(socket, message, 1, Int32(MSG_DONTWAIT), nil) == 1,
            let source = endpoint()
        else { return nil }
        let length = Int(message.pointee.length)
        let (segment, dropped) = controls()
        var offset = 0
        while offset < length {
            let count = min(segment ?? length, length - offset)
            body(UnsafeMutableRawBufferPointer(rebasing: buffer[offset..<offset + count]), source)
            offset += count
        }
        return dropped
    }

    private func endpoint() -> Endpoint? {
        let count = min(name.count, Int(message.pointee.header.name_length))
        let written = UnsafeRawBufferPointer(rebasing: name[..<count])
        if let source, source.name.elementsEqual(written) { return source.endpoint }
        guard let endpoint = SocketName.endpoint(UnsafeRawBufferPointer(name)) else { return nil }
        source = (Array(written), endpoint)
        return endpoint
    }

    /// The length of the datagrams that were put together, and how many were dropped.
    private func controls() -> (segment: Int?, dropped: Int?) {
        var (segment, dropped): (Int?, Int?) = (nil, nil)
        var offset = 0
        let (head, end) = (MemoryLayout<millrace_cmsghdr>.size, Int(message.pointee.header.control_length))
        while offset + head + 4 <= end {
            let item = control.loadUnaligned(fromByteOffset: offset, as: millrace_cmsghdr.self)
            let value = Int(control.loadUnaligned(fromByteOffset: offset + head, as: UInt32.self))
            if item.level == Int32(MILLRACE_SOL_UDP), item.type == Int32(MILLRACE_UDP_GRO), value > 0 {
                segment = value
            }
            if item.level == SOL_SOCKET, item.type == Int32(MILLRACE_SO_RXQ_OVFL) { dropped = value }
            offset += (max(Int(item.length), head) + 7) & ~7
        }
        return (segment, dropped)
    }
}
