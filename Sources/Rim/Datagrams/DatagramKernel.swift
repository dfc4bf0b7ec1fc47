// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc

/// Gives runs to the kernel, up to 64 messages a call.
final class DatagramKernel {
    private let socket: DatagramSocket
    private let metrics: DatagramMetrics
    private let messages: UnsafeMutablePointer<millrace_mmsghdr>
    private let parts: UnsafeMutablePointer<millrace_iovec>
    private let names: UnsafeMutableRawPointer
    private let controls: UnsafeMutableRawPointer
    /// Whether a run goes as one message; never again once the kernel refused.
    private var segments: Bool

    init(_ socket: DatagramSocket, segments: Bool, metrics: DatagramMetrics) {
        self.socket = socket
        self.metrics = metrics
        self.segments = segments
        messages = .allocate(capacity: Self.batch)
        parts = .allocate(capacity: Self.batch)
        names = .allocate(byteCount: Self.batch * DatagramAddress.socketAddressSize, alignment: 8)
        controls = .allocate(byteCount: Self.batch * Self.controlSize, alignment: 8)
        for index in 0..<Self.batch {
            var header = millrace_msghdr()
            header.name = names + index * DatagramAddress.socketAddressSize
            header.parts = parts + index
            header.part_count = 1
            messages[index] = millrace_mmsghdr(header: header, length: 0)
            let head = millrace_cmsghdr(
                length: UInt(Self.headSize + 2), level: Int32(MILLRACE_SOL_UDP), type: Int32(MILLRACE_UDP_SEGMENT))
            (controls + index * Self.controlSize).storeBytes(of: head, as: millrace_cmsghdr.self)
        }
        if !segments { metrics.sendsPlainly(true) }
    }

    deinit {
        if !segments { metrics.sendsPlainly(false) }
        messages.deallocate()
        parts.deallocate()
        names.deallocate()
        controls.deallocate()
    }

    /// Sends what is in the queue; false where the kernel takes no more, and what is left stays in the queue.
    func send(_ queue: inout RunQueue) -> Bool {
        while !queue.isEmpty {
            let count = fill(from: queue)
            let taken = Int(sendmmsg(socket.descriptor, messages, UInt32(count), 0))
            if taken > 0 {
                advance(&queue, past: taken)
            } else if !recover(&queue, from: errno) {
                return false
            }
        }
        return true
    }

    /// Writes as many messages as there are runs or room, from where the queue stands.
    private func fill(from queue: borrowing RunQueue) -> Int {
        var (count, index, offset) = (0, queue.next, queue.offset)
        while count < Self.batch, index < queue.end {
            let run = queue[index]
            let left = run.length - offset
            let length = segments && !run.isPlain ? left : min(run.segment, left)
            write(count, run, offset: offset, length: length)
            count += 1
            offset += length
            if offset >= run.length { (index, offset) = (index + 1, 0) }
        }
        return count
    }

    private func write(_ index: Int, _ run: DatagramRun, offset: Int, length: Int) {
        let name = names + index * DatagramAddress.socketAddressSize
        messages[index].header.name_length = run.peer.write(to: name, isIPv6: socket.isIPv6)
        parts[index] = millrace_iovec(base: UnsafeMutableRawPointer(mutating: run.base + offset), length: UInt(length))
        guard length > run.segment else {
            messages[index].header.control = nil
            messages[index].header.control_length = 0
            return
        }
        let control = controls + index * Self.controlSize
        (control + Self.headSize).storeBytes(of: UInt16(truncatingIfNeeded: run.segment), as: UInt16.self)
        messages[index].header.control = control
        messages[index].header.control_length = UInt(Self.controlSize)
    }

    private func advance(_ queue: inout RunQueue, past taken: Int) {
        var (datagrams, bytes) = (0, 0)
        for index in 0..<taken {
            let length = Int(parts[index].length)
            let segment = queue[queue.next].segment
            datagrams += (length + segment - 1) / segment
            bytes += length
            queue.advance(by: length)
        }
        metrics.sent(messages: taken, datagrams: datagrams, bytes: bytes)
    }

    /// What the kernel said of the first message; false where it wants us to wait.
    private func recover(_ queue: inout RunQueue, from code: Int32) -> Bool {
        switch code {
        case EINTR: break
        case EAGAIN: return false
        case EIO, EINVAL, EMSGSIZE, ENOTSUP: refuseSegments(&queue)
        case ENOBUFS, ENOMEM: skip(&queue, .noBuffers)
        default: skip(&queue, .refused)
        }
        return true
    }

    /// A device that can not (EIO), or datagrams beyond the path's size, which the kernel does not cut when they come as
    /// one. Those that fit any path of IPv6 (RFC 8200 §5) are no matter of size: then it never can.
    private func refuseSegments(_ queue: inout RunQueue) {
        let run = queue[queue.next]
        guard segments, !run.isPlain, parts[0].length > UInt(run.segment) else {
            skip(&queue, .refused)
            return
        }
        if run.segment <= Self.fitsAnyPath {
            segments = false
            metrics.sendsPlainly(true)
        } else {
            queue.sendPlainly()
        }
    }

    private func skip(_ queue: inout RunQueue, _ reason: DatagramDrop) {
        let (length, segment) = (Int(parts[0].length), queue[queue.next].segment)
        metrics.dropped(reason, (length + segment - 1) / segment)
        queue.advance(by: length)
    }

    private static let batch = 64
    private static let headSize = 16
    private static let controlSize = 24
    /// 1280 bytes less the heads of IPv6 and UDP.
    private static let fitsAnyPath = 1232
}
