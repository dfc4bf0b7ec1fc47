// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Reads the packets of one logical stream in Ogg, RFC 3533, from bytes as they come.
///
/// The checksum of pages is not looked at: the bytes come through a pipe from a program on the same machine, and a page
/// whose lengths are wrong is found by the next that does not begin where it should.
public struct OggDecoder: Sendable {
    /// A packet, whole.
    public struct Packet: Hashable, Sendable {
        /// Its bytes.
        public let bytes: ByteSlice
        /// Of the last packet that ends in a page the page's granule position; nil of the others.
        public let granule: Int64?
    }

    private var buffer: [UInt8] = []
    private var start = 0
    /// The beginning of a packet that goes on in the next page.
    private var open: [UInt8] = []
    private var ready: [Packet] = []
    private var taken = 0

    /// Nothing read yet.
    public init() {}

    /// Takes the next bytes.
    public mutating func append(_ bytes: some Sequence<UInt8>) {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next packet; nil where more bytes are wanted first.
    /// - Throws: `.malformed` where no page stands, or a packet is longer than any of sound. Nothing can be read after it.
    public mutating func next() throws(SoundFailure) -> Packet? {
        while taken == ready.count {
            ready.removeAll(keepingCapacity: true)
            taken = 0
            guard try readPage() else { return nil }
        }
        defer { taken += 1 }
        return ready[taken]
    }

    /// Reads one page where it is there as a whole, §6.
    private mutating func readPage() throws(SoundFailure) -> Bool {
        let bytes = buffer[start...]
        guard zip(bytes, Self.pattern).allSatisfy(==) else { throw .malformed("a page of Ogg") }
        guard bytes.count >= Self.headerLength else { return false }
        let segments = Int(bytes[start + Self.headerLength - 1])
        let body = start + Self.headerLength + segments
        guard body <= buffer.count else { return false }
        let lengths = buffer[start + Self.headerLength..<body].map(Int.init)
        let end = body + lengths.reduce(0, +)
        guard end <= buffer.count else { return false }
        if bytes[start + 5] & 1 == 0 { open.removeAll() }
        try readPackets(lengths, from: body, granule: granule(at: start + 6))
        start = end
        return true
    }

    /// A packet ends with the first of its segments that is shorter than 255 bytes.
    private mutating func readPackets(_ lengths: [Int], from body: Int, granule: Int64) throws(SoundFailure) {
        let last = lengths.lastIndex { $0 < 255 }
        var place = body
        for (index, length) in lengths.enumerated() {
            open.append(contentsOf: buffer[place..<place + length])
            place += length
            guard open.count <= Self.longestPacket else { throw .malformed("a packet of \(open.count) bytes") }
            guard length < 255 else { continue }
            ready.append(Packet(bytes: open[...], granule: index == last ? granule : nil))
            open = []
        }
    }

    private func granule(at place: Int) -> Int64 {
        let bits = buffer[place..<place + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int64(bitPattern: bits)
    }

    private static let pattern = Array("OggS\u{0}".utf8)
    private static let headerLength = 27
    /// Far more than a packet of Opus (RFC 6716 §3.4: 1275 bytes a frame, 120 ms at most) or a head takes.
    private static let longestPacket = 65_536
}
