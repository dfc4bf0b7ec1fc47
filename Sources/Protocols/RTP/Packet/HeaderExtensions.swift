// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The extension block of an RTP header, RFC 8285, in its one-byte or its two-byte form.
///
/// Iterates over its elements without a copy. What can not be read ends the walk: such a block is none of the payload's
/// business, so the packet is taken without.
public struct HeaderExtensions: Hashable, Sendable, Sequence {
    /// `0xBEDE` for the one-byte form, `0x100x` for the two-byte form; anything else is none of ours.
    public let profile: UInt16
    /// The elements and what pads them, a multiple of four bytes.
    public let bytes: ByteSlice

    /// A block of its parts.
    public init(profile: UInt16, bytes: ByteSlice) {
        self.profile = profile
        self.bytes = bytes
    }

    /// No block.
    public static let none = HeaderExtensions(profile: 0, bytes: [])

    /// Whether there is nothing to read.
    public var isEmpty: Bool { bytes.isEmpty }

    /// An element: the number that was negotiated for it, 1 to 255, and its value.
    public typealias Element = (id: UInt8, value: ByteSlice)

    /// Begins a walk.
    public func makeIterator() -> Iterator { Iterator(self) }

    /// A walk over the elements.
    public struct Iterator: IteratorProtocol, Sendable {
        private var rest: ByteSlice
        private let isTwoByte: Bool

        fileprivate init(_ extensions: HeaderExtensions) {
            isTwoByte = extensions.profile & 0xFFF0 == HeaderExtensions.twoByteProfile
            rest = isTwoByte || extensions.profile == HeaderExtensions.oneByteProfile ? extensions.bytes : []
        }

        /// The next element, or nil at the end.
        public mutating func next() -> Element? {
            while let first = rest.popFirst() {
                if first == 0 { continue }
                let (id, length) = isTwoByte ? (first, Int(rest.popFirst() ?? .max)) : (first >> 4, Int(first & 15) + 1)
                // §4.2: 15 ends the walk, and so does a length behind the number of padding.
                guard isTwoByte || id != 0 && id != 15, length <= rest.count else { break }
                let value = rest.prefix(length)
                rest = rest.dropFirst(length)
                return (id, value)
            }
            rest = []
            return nil
        }
    }

    static let oneByteProfile: UInt16 = 0xBEDE
    static let twoByteProfile: UInt16 = 0x1000
}
