// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The newest packets of one layer, built once and sent to every viewer of it.
///
/// Payloads lie in one block of memory that grows as needed up to a limit; whoever sends reads them from there and
/// counts no reference. Numbers are the ring's own: 64 bits, and they only grow.
public struct PacketRing: Sendable {
    /// A packet in the ring, as plain bytes.
    public struct Packet: Hashable, Sendable {
        /// Its number.
        public let sequence: Int64
        /// Its time on the track's clock.
        public let timestamp: Int64
        /// When it was put into the ring.
        public let appended: Duration
        /// The length of its payload in bytes.
        public var length: Int { Int(size) }
        fileprivate var offset: UInt32
        private let size: UInt16
        /// Whether it is the last of a picture.
        public let marker: Bool
        /// Whether a decoder can start here.
        public let beginsRandomAccess: Bool

        fileprivate init(
            _ sequence: Int64, _ timestamp: Int64, _ appended: Duration, offset: Int, size: Int, marker: Bool,
            beginsRandomAccess: Bool
        ) {
            self.sequence = sequence
            self.timestamp = timestamp
            self.appended = appended
            self.offset = UInt32(offset)
            self.size = UInt16(size)
            self.marker = marker
            self.beginsRandomAccess = beginsRandomAccess
        }
    }

    /// The numbers of the packets in the ring; those that were skipped are missing within.
    public var sequences: Range<Int64> { (packets.first?.sequence ?? next)..<next }
    /// The number of the newest packet at which a decoder can start; nil where none is in the ring.
    public private(set) var randomAccess: Int64?
    /// How many bytes the ring's block has.
    public var memory: ByteCount { .bytes(block.count) }

    /// How much is kept.
    public let settings: PacketRingSettings
    private var packets: PacketQueue
    private var next: Int64 = 0
    private var block: [UInt8]
    /// Where the next payload goes.
    private var end = 0

    /// An empty ring.
    public init(_ settings: PacketRingSettings) {
        self.settings = settings
        packets = PacketQueue(capacity: settings.packets)
        block = [UInt8](repeating: 0, count: min(settings.initial.bytes, settings.longest.bytes))
    }

    /// Puts one access unit into the ring and returns its packets' numbers.
    @discardableResult
    public mutating func append(
        _ batch: PayloadBatch, timestamp: Int64, isRandomAccess: Bool, now: Duration
    ) -> Range<Int64> {
        let first = next
        for index in 0..<batch.count {
            append(
                batch.bytes, batch.range(index), timestamp: timestamp,
                marker: settings.marksEnds && index == batch.count - 1,
                beginsRandomAccess: isRandomAccess && index == 0, now: now)
        }
        return first..<next
    }

    /// Puts one packet that came from a publisher into the ring and returns its number. The payload must not be longer
    /// than the settings allow.
    @discardableResult
    public mutating func append(
        _ payload: ByteSlice, timestamp: Int64, marker: Bool, beginsRandomAccess: Bool, now: Duration
    ) -> Int64 {
        payload.withUnsafeBytes { bytes in
            insert(bytes, timestamp: timestamp, marker: marker, beginsRandomAccess: beginsRandomAccess, now: now)
        }
    }

    /// Leaves out numbers of packets that never came, so that viewers see the hole: a picture behind it is not whole.
    public mutating func skip(_ count: Int64) { next += max(0, count) }

    /// A packet by its number; nil where it is no longer in the ring, or never was.
    public subscript(sequence: Int64) -> Packet? { packets.find(sequence) }

    /// Appends a packet's payload to `bytes`.
    public func appendPayload(of packet: Packet, to bytes: inout [UInt8]) {
        withPayload(of: packet) { bytes.append(contentsOf: $0) }
    }

    /// Lends a packet's payload.
    public func withPayload<Result>(of packet: Packet, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        block.withUnsafeBytes { block in
            body(UnsafeRawBufferPointer(rebasing: block[Int(packet.offset)..<Int(packet.offset) + packet.length]))
        }
    }
}

extension PacketRing {
    private mutating func append(
        _ bytes: [UInt8], _ range: Range<Int>, timestamp: Int64, marker: Bool, beginsRandomAccess: Bool, now: Duration
    ) {
        _ = bytes.withUnsafeBytes { bytes in
            insert(
                UnsafeRawBufferPointer(rebasing: bytes[range]), timestamp: timestamp, marker: marker,
                beginsRandomAccess: beginsRandomAccess, now: now)
        }
    }

    @discardableResult
    private mutating func insert(
        _ payload: UnsafeRawBufferPointer, timestamp: Int64, marker: Bool, beginsRandomAccess: Bool, now: Duration
    ) -> Int64 {
        precondition(payload.count <= settings.longestPayload, "a payload of \(payload.count) bytes")
        let offset = makeRoom(payload.count)
        block.withUnsafeMutableBytes { block in
            UnsafeMutableRawBufferPointer(rebasing: block[offset..<offset + payload.count]).copyMemory(from: payload)
        }
        packets.append(
            Packet(
                next, timestamp, now, offset: offset, size: payload.count, marker: marker,
                beginsRandomAccess: beginsRandomAccess))
        if beginsRandomAccess { randomAccess = next }
        end = offset + payload.count
        next += 1
        return next - 1
    }

    /// Finds `length` bytes on end: where the block is at its limit, the oldest packets go.
    private mutating func makeRoom(_ length: Int) -> Int {
        if packets.isFull { removeFirst() }
        while true {
            guard let first = packets.first else {
                if length <= block.count { return 0 }
                grow()
                continue
            }
            let start = Int(first.offset)
            if end > start {
                if end + length <= block.count { return end }
                if length <= start { return 0 }
            } else if end + length <= start {
                return end
            }
            if block.count < settings.longest.bytes { grow() } else { removeFirst() }
        }
    }

    private mutating func removeFirst() {
        guard let packet = packets.removeFirst() else { return }
        if packet.sequence == randomAccess { randomAccess = nil }
    }

    /// Doubles the block and lays the packets out anew, in order.
    private mutating func grow() {
        let (old, size) = (block, min(settings.longest.bytes, block.count * 2))
        var larger: [UInt8] = []
        larger.reserveCapacity(size)
        packets.forEachMutable { packet in
            let offset = Int(packet.offset)
            packet.offset = UInt32(larger.count)
            larger.append(contentsOf: old[offset..<offset + packet.length])
        }
        end = larger.count
        larger.append(contentsOf: repeatElement(0, count: size - end))
        block = larger
    }
}
