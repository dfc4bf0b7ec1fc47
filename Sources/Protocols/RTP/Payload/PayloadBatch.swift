// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The payloads of one access unit, back to back in one array that is used again for the next.
public struct PayloadBatch: Sendable {
    /// All payloads.
    public private(set) var bytes: [UInt8] = []
    /// Where each ends.
    private var ends: [Int] = []

    /// No payloads.
    public init() {}

    /// How many there are.
    public var count: Int { ends.count }

    /// Whether there is none.
    public var isEmpty: Bool { ends.isEmpty }

    /// One of them; it shares the batch's bytes, so it must be gone before the batch is filled again.
    public subscript(index: Int) -> ByteSlice { bytes[range(index)] }

    /// Where one of them is in `bytes`.
    public func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }

    /// Forgets the payloads and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    mutating func append(contentsOf slice: ByteSlice) { bytes.append(contentsOf: slice) }

    mutating func append(bigEndian value: UInt16) { bytes.append(bigEndian: value) }

    /// Appends what a descriptor writes of itself.
    mutating func appendHead(_ write: (inout [UInt8]) -> Void) { write(&bytes) }

    /// Ends the payload whose bytes were appended last.
    mutating func endPayload() { ends.append(bytes.count) }
}

/// How long payloads may be.
public struct PacketizerSettings: Hashable, Sendable {
    /// The longest payload in bytes. With header, extensions, SRTP's tag and RTX's number a datagram stays below 1280,
    /// the least that IPv6 carries whole.
    public var longestPayload = 1180

    /// The defaults.
    public init() {}

    /// Payloads of at most `longestPayload` bytes, which must be at least 64.
    public init(longestPayload: Int) {
        precondition((64...65_000).contains(longestPayload), "payloads of \(longestPayload) bytes")
        self.longestPayload = longestPayload
    }
}

extension Int {
    /// How long each of the fewest pieces is that are no longer than `limit`, all but the last the same: what a kernel
    /// can cut out of one buffer (UDP_SEGMENT).
    func evenly(limit: Int) -> Int {
        let pieces = (self + limit - 1) / limit
        return pieces <= 1 ? self : (self + pieces - 1) / pieces
    }
}
