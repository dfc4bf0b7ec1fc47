// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Packets that are missing, RFC 4585 §6.2.1.
public struct NegativeAcknowledgement: Hashable, Sendable {
    /// Who asks.
    public var sender: UInt32
    /// The source whose packets are missing.
    public var media: UInt32
    /// Sequence numbers in the order of the list, which is ascending where we wrote it.
    public var missing: [UInt16]

    /// A message of its parts.
    public init(sender: UInt32, media: UInt32, missing: [UInt16]) {
        self.sender = sender
        self.media = media
        self.missing = missing
    }

    /// Appends entries of a number and a mask of the sixteen after it; every other missing number needs no entry.
    func appendEntries(to bytes: inout [UInt8]) {
        var index = 0
        while index < missing.count {
            let first = missing[index]
            var mask: UInt16 = 0
            index += 1
            while index < missing.count, (1...16).contains(missing[index] &- first) {
                mask |= 1 << (missing[index] &- first &- 1)
                index += 1
            }
            bytes.append(bigEndian: first)
            bytes.append(bigEndian: mask)
        }
    }

    static func readEntries(_ reader: inout ByteReader) throws(Truncated) -> [UInt16] {
        var missing: [UInt16] = []
        while !reader.isEmpty {
            let (first, mask) = (try reader.uint16(), try reader.uint16())
            missing.append(first)
            for bit in 0..<16 as Range<UInt16> where mask >> bit & 1 == 1 { missing.append(first &+ bit &+ 1) }
        }
        return missing
    }
}

/// A random access point is wanted of each of these, RFC 5104 §4.3.1.
public struct FullIntraRequest: Hashable, Sendable {
    /// Who asks.
    public var sender: UInt32
    /// The sources, each with a number that tells a new request from a repeated one.
    public var entries: [Entry]

    /// One source.
    public struct Entry: Hashable, Sendable {
        /// The source.
        public let media: UInt32
        /// The number of the request.
        public let number: UInt8

        /// An entry of its parts.
        public init(media: UInt32, number: UInt8) {
            self.media = media
            self.number = number
        }
    }

    /// A message of its parts.
    public init(sender: UInt32, entries: [Entry]) {
        self.sender = sender
        self.entries = entries
    }
}

/// What a receiver makes of the bandwidth for all of these sources together, draft-alvestrand-rmcat-remb-03 §2.2.
public struct ReceiverEstimate: Hashable, Sendable {
    /// Who estimates.
    public var sender: UInt32
    /// Bits a second. On the wire it has 18 significant bits; the rest is rounded down.
    public var bitsPerSecond: UInt64
    /// The sources; at most 255.
    public var sources: [UInt32]

    /// A message of its parts.
    public init(sender: UInt32, bitsPerSecond: UInt64, sources: [UInt32]) {
        self.sender = sender
        self.bitsPerSecond = bitsPerSecond
        self.sources = sources
    }

    func appendBody(to bytes: inout [UInt8]) {
        let exponent = UInt32(max(0, 64 - bitsPerSecond.leadingZeroBitCount - 18))
        bytes.append(contentsOf: Self.name)
        bytes.append(UInt8(truncatingIfNeeded: sources.count))
        bytes.append(bigEndian24: exponent << 18 | UInt32(truncatingIfNeeded: bitsPerSecond >> exponent))
        for source in sources { bytes.append(bigEndian: source) }
    }

    /// nil for another application's message.
    static func read(_ reader: inout ByteReader, sender: UInt32) throws(Truncated) -> ReceiverEstimate? {
        guard try reader.bytes(4).elementsEqual(name) else { return nil }
        let (count, rate) = (try reader.uint8(), try reader.uint24())
        var sources: [UInt32] = []
        for _ in 0..<count { sources.append(try reader.uint32()) }
        let exponent = rate >> 18
        // 18 bits shifted by up to 63: what does not fit in 64 bits is the most that can be written.
        let mantissa = UInt64(rate & 0x3FFFF)
        let bits = mantissa.leadingZeroBitCount >= exponent ? mantissa << exponent : highest
        return ReceiverEstimate(sender: sender, bitsPerSecond: bits, sources: sources)
    }

    private static let name = Array("REMB".utf8)
    private static let highest: UInt64 = 0x3FFFF << 46
}
