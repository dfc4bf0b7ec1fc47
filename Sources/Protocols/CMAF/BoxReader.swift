// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// A box and what it holds, sharing the bytes it was found in.
public struct Box: Hashable, Sendable {
    /// Its type.
    public let type: BoxType
    /// The whole box. Its start index is its place in the bytes it was found in.
    public let whole: ByteSlice
    /// What stands behind size and type.
    public let payload: ByteSlice

    /// The boxes in it, where it is a mere container.
    public var children: BoxReader { BoxReader(payload) }
}

/// The boxes of a file or of a container, one after the other, ISO/IEC 14496-12 §4.2.
///
/// A size that reaches past the end, or is smaller than the header, stops the walk and is told by `isMalformed`.
public struct BoxReader: Sequence, IteratorProtocol, Sendable {
    private var rest: ByteSlice
    /// Whether the walk ended at a size that can not be true.
    public private(set) var isMalformed = false

    /// Starts at the first byte of `bytes`.
    public init(_ bytes: ByteSlice) { rest = bytes }

    /// The next box, or nil at the end.
    public mutating func next() -> Box? {
        guard !rest.isEmpty else { return nil }
        var reader = ByteReader(rest)
        do throws(Truncated) {
            var size = UInt64(try reader.uint32())
            let type = BoxType(code: try reader.uint32())
            if size == 1 { size = try reader.uint64() }
            if size == 0 { size = UInt64(rest.count) }
            let header = rest.count - reader.count
            guard size >= header, size <= rest.count else { throw Truncated() }
            let whole = rest.prefix(Int(size))
            rest = rest.dropFirst(Int(size))
            return Box(type: type, whole: whole, payload: whole.dropFirst(header))
        } catch {
            isMalformed = true
            rest = []
            return nil
        }
    }
}
