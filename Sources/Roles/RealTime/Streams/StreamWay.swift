// SPDX-License-Identifier: Apache-2.0

import Bytes
import Datagrams
import NIOCore
import Synchronization
import Transport
import WebRTC

/// The way to a remote party over a connection of TCP (RFC 6544), between the connection's event loop and the thread that
/// has the session. Any thread may call. What waits is bounded both ways.
final class StreamWay: Sendable {
    /// The remote party, as the socket sees it.
    let peer: DatagramAddress
    private let channel: any Channel
    private let threads: ThreadGroup
    private let metrics: RealTimeMetrics
    /// Told once, when it is a session's, or gone before that.
    private let onSettled: @Sendable () -> Void
    private let hasSettled = Atomic(false)
    private let outgoing = Mutex(Outgoing())
    private let incoming = Mutex(Incoming())

    fileprivate struct Outgoing {
        /// Frames that wait for the event loop.
        var frames: [UInt8] = []
        /// Bytes of those, and of what the connection has not sent yet.
        var unsent = 0
        /// Since when the connection has taken nothing of that; nil while there is nothing.
        var waitingSince: Duration?
        var isClosed = false
    }

    private struct Incoming {
        var bytes: [UInt8] = []
        var lengths: [Int] = []
        /// The thread that has the session.
        var thread = 0
    }

    init(
        _ peer: DatagramAddress, _ channel: any Channel, threads: ThreadGroup, metrics: RealTimeMetrics,
        onSettled: @escaping @Sendable () -> Void
    ) {
        self.peer = peer
        self.channel = channel
        self.threads = threads
        self.metrics = metrics
        self.onSettled = onSettled
    }

    /// Whether it is a session's, or was.
    var isAdmitted: Bool { hasSettled.load(ordering: .relaxed) }

    /// It is a session's.
    func admitted() { settle() }

    private func settle() {
        if !hasSettled.exchange(true, ordering: .relaxed) { onSettled() }
    }
}

// MARK: - What goes

extension StreamWay {
    /// Whether the connection takes one more picture, however large: what it has not sent is little.
    var hasRoom: Bool { outgoing.withLock { $0.unsent <= Self.room } }

    /// Whether the remote party has taken nothing for so long, though there was something for it, that it is not there any
    /// more, whatever it says.
    func isStalled(now: Duration) -> Bool {
        outgoing.withLock { $0.waitingSince.map { now - $0 >= Self.patience } ?? false }
    }

    /// Gives `write` a place for up to `capacity` bytes, in which it leaves a packet, and takes the length of it; 0 for none.
    func append(capacity: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int) {
        let (isTaken, isFirst) = outgoing.withLock { $0.append(capacity: capacity, most: Self.most, write) }
        if !isTaken { metrics.dropped("stream_full") }
        if isFirst { channel.eventLoop.execute { self.flush() } }
    }

    /// Ends the connection, once it has sent what there is.
    func close() {
        channel.eventLoop.execute { [self] in
            flush()
            outgoing.withLock { $0.isClosed = true }
            channel.close(promise: nil)
        }
    }

    /// The connection is gone.
    func closed() {
        settle()
        outgoing.withLock { $0.isClosed = true }
        let thread = incoming.withLock { $0.thread }
        threads.submit(to: thread) { [self] loop, now in loop.lost(self, now: now) }
    }

    private func flush() {
        let frames = outgoing.withLock { outgoing in
            defer { outgoing.frames = [] }
            return outgoing.frames
        }
        // In pieces, so that a slow connection is seen to take something.
        var rest = ByteBuffer(bytes: frames)
        while rest.readableBytes > 0, let piece = rest.readSlice(length: min(rest.readableBytes, Self.piece)) {
            channel.write(piece).whenComplete { [self] _ in sent(piece.readableBytes) }
        }
        channel.flush()
    }

    private func sent(_ count: Int) {
        let now = SystemClock.now()
        outgoing.withLock { outgoing in
            outgoing.unsent -= count
            outgoing.waitingSince = outgoing.unsent > 0 ? now : nil
        }
    }

    /// More than a picture of most streams: a viewer who takes 4 Mbit/s has it in half a second.
    private static let room = 256 * 1024
    /// The rest of a picture that was begun, and answers to checks, find a place beyond that.
    private static let most = 2 * 1024 * 1024
    /// As long as viewers of FLV and RTMP have.
    private static let patience: Duration = .seconds(10)
    /// Who takes less than one of these in that time, 13 kbit/s, hears not even the sound.
    private static let piece = 16 * 1024
}

extension StreamWay.Outgoing {
    /// Appends a frame (RFC 4571 §2). Returns whether there was room, and whether it is the first that waits.
    fileprivate mutating func append(
        capacity: Int, most: Int, _ write: (UnsafeMutableRawBufferPointer) -> Int
    ) -> (isTaken: Bool, isFirst: Bool) {
        guard !isClosed else { return (true, false) }
        guard unsent + capacity + 2 <= most, capacity <= 0xFFFF else { return (false, false) }
        let start = frames.count
        frames.append(contentsOf: repeatElement(0, count: capacity + 2))
        let length = frames.withUnsafeMutableBytes { bytes in
            write(UnsafeMutableRawBufferPointer(rebasing: bytes[(start + 2)...]))
        }
        precondition(length >= 0 && length <= capacity, "a packet of \(length) bytes in a place for \(capacity)")
        guard length > 0 else {
            frames.removeLast(capacity + 2)
            return (true, false)
        }
        frames.removeLast(capacity - length)
        frames[start] = UInt8(truncatingIfNeeded: length >> 8)
        frames[start + 1] = UInt8(truncatingIfNeeded: length)
        if unsent == 0 { waitingSince = SystemClock.now() }
        unsent += length + 2
        return (true, start == 0)
    }
}

// MARK: - What comes

extension StreamWay {
    /// Its session is another thread's.
    func move(to thread: Int) { incoming.withLock { $0.thread = thread } }

    /// Hands a packet to the thread that has the session, as many by one hop as have come meanwhile.
    func receive(_ packet: ByteSlice) {
        let (isTaken, first) = incoming.withLock { incoming -> (Bool, Int?) in
            guard incoming.bytes.count + packet.count <= Self.mostIncoming else { return (false, nil) }
            incoming.bytes.append(contentsOf: packet)
            incoming.lengths.append(packet.count)
            return (true, incoming.lengths.count == 1 ? incoming.thread : nil)
        }
        if !isTaken { metrics.dropped("stream_full") }
        guard let thread = first else { return }
        let isComing = threads.submit(to: thread) { [self] loop, now in
            let (bytes, lengths) = take()
            loop.receive(bytes, lengths: lengths, on: self, now: now)
        }
        if !isComing { _ = take() }
    }

    private func take() -> ([UInt8], [Int]) {
        incoming.withLock { incoming in
            defer { (incoming.bytes, incoming.lengths) = ([], []) }
            return (incoming.bytes, incoming.lengths)
        }
    }

    /// What may wait for a thread that is busy: a quarter of a second of 32 Mbit/s.
    private static let mostIncoming = 1 << 20
}
