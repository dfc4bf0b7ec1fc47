// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Sends what a ``DatagramHandler`` has to say, by many at once. For its thread only.
///
/// What is appended goes out at the end of the turn, or when there is no more room: consecutive datagrams to one peer
/// that are equally long, but for the last, as one message (UDP_SEGMENT), and many messages by one call. Where the kernel
/// takes nothing more, what is there waits for it, and further frames are dropped whole: ask ``admit(datagrams:bytes:)`` before
/// the datagrams of a frame are appended.
public final class DatagramSender {
    private let kernel: DatagramKernel
    private let metrics: DatagramMetrics
    private let slab: UnsafeMutableRawBufferPointer
    private var used = 0
    private var queue: RunQueue
    /// Whether the kernel's buffer is full; cleared when it has room again.
    private(set) var isBlocked = false

    init(_ socket: DatagramSocket, settings: DatagramSettings, metrics: DatagramMetrics) {
        kernel = DatagramKernel(socket, segments: settings.segmentation, metrics: metrics)
        self.metrics = metrics
        slab = .allocate(byteCount: max(settings.slab, DatagramLimits.longest), alignment: 4096)
        queue = RunQueue(capacity: Self.runCapacity)
    }

    deinit { slab.deallocate() }

    /// Makes room for the datagrams of a frame, together `bytes` long at most; false, and a frame counted as dropped, where
    /// the kernel takes nothing and the room is used up. After true they find their place.
    public func admit(datagrams: Int, bytes: Int) -> Bool {
        if hasRoom(datagrams, bytes) { return true }
        flush()
        if hasRoom(datagrams, bytes) { return true }
        metrics.dropped(.full)
        return false
    }

    /// Gives `write` a place for up to `capacity` bytes, in which it leaves a datagram, and takes the length of it; 0 for
    /// none.
    /// - Returns: false, and `write` not called, where there is no room; counted as a dropped frame.
    @discardableResult
    public func append(
        to peer: DatagramAddress, capacity: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int
    ) -> Bool {
        guard admit(datagrams: 1, bytes: capacity) else { return false }
        let place = UnsafeMutableRawBufferPointer(rebasing: slab[used..<used + capacity])
        let length = write(place)
        precondition(length >= 0 && length <= capacity, "a datagram of \(length) bytes in a place for \(capacity)")
        guard length > 0, let base = place.baseAddress else { return true }
        used += length
        queue.append(peer, UnsafeRawPointer(base), length)
        return true
    }

    /// Sends datagrams that lie behind one another, each `segment` bytes long but the last, which may be shorter. They are
    /// not copied: the memory must stay as it is until ``flush()`` has returned.
    /// - Returns: false where there is no room; counted as a dropped frame.
    @discardableResult
    public func append(to peer: DatagramAddress, lending bytes: UnsafeRawBufferPointer, segment: Int) -> Bool {
        guard let base = bytes.baseAddress, segment > 0 else { return true }
        guard !isBlocked else {
            metrics.dropped(.full)
            return false
        }
        let most = max(min(DatagramLimits.longest / segment, DatagramLimits.segments), 1) * segment
        var offset = 0
        while offset < bytes.count {
            if queue.isFull { flush() }
            guard !isBlocked else {
                metrics.dropped(.full)
                return false
            }
            let length = min(most, bytes.count - offset)
            queue.append(DatagramRun(peer: peer, base: base + offset, length: length, segment: segment, isLent: true))
            offset += length
        }
        return true
    }

    /// Sends now what was appended, as far as the kernel takes it.
    public func flush() {
        guard !isBlocked, !queue.isEmpty else { return }
        if kernel.send(&queue) {
            queue.removeAll()
            used = 0
        } else {
            isBlocked = true
            keepLent()
        }
    }

    /// The kernel has room again.
    func resume() {
        isBlocked = false
        flush()
    }

    private func hasRoom(_ datagrams: Int, _ bytes: Int) -> Bool {
        used + bytes <= slab.count && queue.room >= datagrams
    }

    /// What was lent is not ours to keep: the part that waits is copied while there is room, and else dropped whole.
    private func keepLent() {
        queue.keepLent { [slab] run in
            guard used + run.length <= slab.count, let base = slab.baseAddress else {
                metrics.dropped(.full)
                return nil
            }
            let place = base + used
            place.copyMemory(from: run.base, byteCount: run.length)
            used += run.length
            return UnsafeRawPointer(place)
        }
    }

    /// Messages that may wait.
    private static let runCapacity = 8192
}

/// What the kernel takes in one message.
enum DatagramLimits {
    /// Bytes of all datagrams in it (65,535 less the heads of IPv4 and UDP).
    static let longest = 65_507
    /// Datagrams (UDP_MAX_SEGMENTS of Linux before 6.9).
    static let segments = 64
}
