// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc

/// Reads datagrams by many, and takes apart what the kernel coalesced.
final class DatagramReceiver {
    private let socket: DatagramSocket
    private let metrics: DatagramMetrics
    private let messages: UnsafeMutablePointer<millrace_mmsghdr>
    private let parts: UnsafeMutablePointer<millrace_iovec>
    private let names: UnsafeMutableRawPointer
    private let controls: UnsafeMutableRawPointer
    private let slots: UnsafeMutableRawPointer
    private let slotSize: Int
    private var overruns: UInt32 = 0

    init(_ socket: DatagramSocket, metrics: DatagramMetrics) {
        self.socket = socket
        self.metrics = metrics
        slotSize = socket.coalesces ? Self.coalescedSize : Self.plainSize
        messages = .allocate(capacity: Self.slotCount)
        parts = .allocate(capacity: Self.slotCount)
        names = .allocate(byteCount: Self.slotCount * DatagramAddress.socketAddressSize, alignment: 8)
        controls = .allocate(byteCount: Self.slotCount * Self.controlSize, alignment: 8)
        slots = .allocate(byteCount: Self.slotCount * slotSize, alignment: 4096)
        for index in 0..<Self.slotCount {
            parts[index] = millrace_iovec(base: slots + index * slotSize, length: UInt(slotSize))
            var header = millrace_msghdr()
            header.name = names + index * DatagramAddress.socketAddressSize
            header.parts = parts + index
            header.part_count = 1
            header.control = controls + index * Self.controlSize
            messages[index] = millrace_mmsghdr(header: header, length: 0)
            makeReady(index)
        }
    }

    deinit {
        messages.deallocate()
        parts.deallocate()
        names.deallocate()
        controls.deallocate()
        slots.deallocate()
    }

    /// Gives the handler what waits in the kernel, some hundred messages at most, so that a flood leaves time for others.
    func drain(into handler: some DatagramHandler) {
        for _ in 0..<Self.callsInATurn {
            let count = Int(recvmmsg(socket.descriptor, messages, UInt32(Self.slotCount), 0, nil))
            guard count > 0 else { return }
            let now = MonotonicClock.now()
            var (datagrams, bytes) = (0, 0)
            for index in 0..<count {
                let length = deliver(index, to: handler, now: now, datagrams: &datagrams)
                bytes += length
                makeReady(index)
            }
            metrics.received(datagrams: datagrams, bytes: bytes)
            if count < Self.slotCount { return }
        }
    }

    /// The bytes of one message, cut into its datagrams: all as long as the control message says, but the last.
    private func deliver(
        _ index: Int, to handler: some DatagramHandler, now: Duration, datagrams: inout Int
    ) -> Int {
        let message = messages[index]
        guard message.header.flags & Int32(MILLRACE_MSG_TRUNC) == 0 else {
            metrics.dropped(.tooLong)
            return 0
        }
        let length = Int(message.length)
        let peer = DatagramAddress(socketAddress: names + index * DatagramAddress.socketAddressSize)
        let segment = segmentSize(message.header) ?? max(length, 1)
        let base = slots + index * slotSize
        var offset = 0
        repeat {
            let size = min(segment, length - offset)
            handler.receive(UnsafeMutableRawBufferPointer(start: base + offset, count: size), from: peer, now: now)
            datagrams += 1
            offset += segment
        } while offset < length
        return length
    }

    /// What the kernel says beside a message: the length of its segments, and how many it had to drop so far.
    private func segmentSize(_ header: millrace_msghdr) -> Int? {
        var (offset, segment): (Int, Int?) = (0, nil)
        let end = Int(header.control_length)
        while let control = header.control, offset + Self.headSize + 4 <= end {
            let head = (control + offset).load(as: millrace_cmsghdr.self)
            let value = (control + offset + Self.headSize).load(as: UInt32.self)
            switch (head.level, head.type) {
            case (Int32(MILLRACE_SOL_UDP), Int32(MILLRACE_UDP_GRO)): segment = max(Int(value), 1)
            case (SOL_SOCKET, Int32(MILLRACE_SO_RXQ_OVFL)): countOverruns(value)
            default: break
            }
            offset += max((Int(head.length) + 7) & ~7, Self.headSize)
        }
        return segment
    }

    private func countOverruns(_ total: UInt32) {
        let more = total &- overruns
        guard more != 0 else { return }
        overruns = total
        metrics.dropped(.overrun, Int(more))
    }

    private func makeReady(_ index: Int) {
        messages[index].header.name_length = UInt32(DatagramAddress.socketAddressSize)
        messages[index].header.control_length = UInt(Self.controlSize)
        messages[index].header.flags = 0
    }

    private static let slotCount = 32
    private static let callsInATurn = 8
    /// The most that UDP_GRO gives at once.
    private static let coalescedSize = 65_536
    /// More than any datagram of media (RFC 8834 keeps to 1500 bytes and less); longer ones are dropped.
    private static let plainSize = 2048
    private static let headSize = 16
    private static let controlSize = 64
}
