// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Bytes of an FLV file, in pieces of any size, to messages; Adobe FLV 10.1 annex E.
public struct FLVDecoder: Sendable {
    private var buffer: [UInt8] = []
    private var position = 0
    private var hasHeader = false
    private let maximumTag: ByteCount

    /// Starts at the file's first byte.
    public init(maximumTag: ByteCount = .bytes(8 << 20)) { self.maximumTag = maximumTag }

    /// Takes the next bytes; then call `next` until it returns nil.
    public mutating func append(_ bytes: some Sequence<UInt8>) {
        buffer.removeFirst(position)
        position = 0
        buffer.append(contentsOf: bytes)
    }

    /// The next message, its body a copy; nil where more bytes are needed. Tags of unknown kinds are passed over.
    public mutating func next() throws(FLVFailure) -> MediaMessage? {
        if !hasHeader, try !readHeader() { return nil }
        while let tag = try readTag() {
            if let kind = MediaKind(rawValue: tag.type) {
                return MediaMessage(kind: kind, timestamp: tag.timestamp, body: Array(tag.body)[...])
            }
        }
        return nil
    }
}

/// Why bytes are no FLV.
public enum FLVFailure: Error, Hashable, Sendable {
    /// They do not begin with `FLV`, version 1.
    case notFLV
    /// A header longer than 1 KiB; carries its length.
    case headerLength(Int)
    /// A tag longer than the limit; carries its length.
    case tagLength(Int)
    /// A tag that is encrypted.
    case encrypted
}

extension FLVDecoder {
    private struct Tag {
        let type: UInt8
        let timestamp: UInt32
        let body: ByteSlice
    }

    private mutating func readHeader() throws(FLVFailure) -> Bool {
        var reader = ByteReader(buffer[position...])
        guard reader.rest.prefix(4).elementsEqual("FLV\u{1}".utf8.prefix(reader.count)) else { throw .notFLV }
        guard (try? reader.bytes(5)) != nil, let offset = try? reader.uint32() else { return false }
        let length = Int(offset)
        guard (9...1024).contains(length) else { throw .headerLength(length) }
        guard reader.count >= length - 9 + 4 else { return false }
        position += length + 4
        hasHeader = true
        return true
    }

    private mutating func readTag() throws(FLVFailure) -> Tag? {
        var reader = ByteReader(buffer[position...])
        guard let type = try? reader.uint8(), let size = try? reader.uint24(), let low = try? reader.uint24(),
            let high = try? reader.uint8(), (try? reader.uint24()) != nil
        else { return nil }
        guard size <= maximumTag.bytes else { throw .tagLength(Int(size)) }
        guard type & 0x20 == 0 else { throw .encrypted }
        guard let body = try? reader.bytes(Int(size)), (try? reader.uint32()) != nil else { return nil }
        position += Int(size) + 15
        return Tag(type: type & 31, timestamp: low | UInt32(high) << 24, body: body)
    }
}
