// SPDX-License-Identifier: Apache-2.0

import Datagrams
import Fanout

/// One session on one UDP thread: who sends, who receives, and the packets that go out together.
///
/// It lives at one address, which the thread's table and its queues hold without reference counting.
struct FanoutLane {
    let number: SessionNumber
    let share: SessionShare
    let isHeld: Bool
    /// The one source, once it is known.
    var source: DatagramAddress?
    var subscribers: [DatagramAddress] = []
    /// The stream that is made of the packets; nil where they are only forwarded.
    var feed: StreamFeed?
    /// Packets received since the share was told.
    var received = (packets: 0, bytes: 0)
    /// When the oldest packet that waits came.
    private(set) var oldest: Duration = .zero
    /// Room for packets, taken with the first one.
    private var room: UnsafeMutableRawPointer?
    /// Where the packets that wait begin and end.
    private var start = 0
    private var end = 0
    /// The length of the first of them, which all have but the last.
    private(set) var segment = 0
    private(set) var count = 0

    init(number: SessionNumber, share: SessionShare, isHeld: Bool) {
        self.number = number
        self.share = share
        self.isHeld = isHeld
    }

    /// The packets that wait, one behind another.
    var burst: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: room.map { $0 + start }, count: end - start) }

    /// Whether a packet can join those that wait: as long as they are, or shorter and then the last.
    func takes(_ length: Int) -> Bool {
        guard count > 0 else { return end + length <= Self.capacity }
        return length <= segment && (end - start) % segment == 0 && count < Self.burstLimit
            && end + length <= Self.capacity
    }

    /// Whether nothing can join any more.
    var isFull: Bool { count >= Self.burstLimit || count > 0 && (end - start) % segment != 0 }

    mutating func append(_ bytes: UnsafeRawBufferPointer, now: Duration) {
        let room = room ?? .allocate(byteCount: Self.capacity, alignment: 64)
        self.room = room
        if count == 0 { (segment, oldest) = (bytes.count, now) }
        (room + end).copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(room), byteCount: bytes.count)
        end += bytes.count
        count += 1
    }

    /// The waiting packets are on their way; their room is taken again only after `reuse`.
    mutating func sent() { (start, count) = (end, 0) }

    /// Nothing refers to the room any more.
    mutating func reuse() { (start, end, count) = (0, 0, 0) }

    mutating func release() {
        room?.deallocate()
        room = nil
    }

    /// The longest packet that is forwarded: more than any path of RTP carries in one piece.
    static let longest = 2048
    /// Packets that go out together; more gains nothing that could be measured.
    private static let burstLimit = 8
    private static let capacity = 16_384
}
