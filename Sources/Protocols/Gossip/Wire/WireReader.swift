// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity

/// Reads what a ``WireSink`` was given; whatever the bytes say, it takes no more memory than they are long.
struct WireReader {
    private var reader: ByteReader

    init(_ bytes: ByteSlice) { reader = ByteReader(bytes) }

    var isEmpty: Bool { reader.isEmpty }

    mutating func byte() throws(GossipFailure) -> UInt8 {
        do { return try reader.uint8() } catch { throw .truncated }
    }

    mutating func uint16() throws(GossipFailure) -> UInt16 {
        do { return try reader.uint16() } catch { throw .truncated }
    }

    mutating func uint32() throws(GossipFailure) -> UInt32 {
        do { return try reader.uint32() } catch { throw .truncated }
    }

    mutating func uint64() throws(GossipFailure) -> UInt64 {
        do { return try reader.uint64() } catch { throw .truncated }
    }

    mutating func bytes(_ count: Int) throws(GossipFailure) -> ByteSlice {
        do { return try reader.bytes(count) } catch { throw .truncated }
    }

    mutating func flag() throws(GossipFailure) -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        default: throw .malformed
        }
    }

    mutating func optional<Value>(
        _ read: (inout WireReader) throws(GossipFailure) -> Value
    ) throws(GossipFailure) -> Value? { try flag() ? try read(&self) : nil }

    /// LEB128 of up to 28 bits in the shortest form, which is over every limit.
    mutating func length() throws(GossipFailure) -> Int {
        var value = 0
        for shift in stride(from: 0, to: 28, by: 7) {
            let byte = try byte()
            value |= Int(byte & 0x7F) << shift
            guard byte >= 0x80 else {
                guard byte != 0 || shift == 0 else { throw .malformed }
                return value
            }
        }
        throw .malformed
    }

    /// The bytes behind a length.
    mutating func block() throws(GossipFailure) -> ByteSlice { try bytes(try length()) }

    mutating func text(limit: Int) throws(GossipFailure) -> String {
        let block = try block()
        guard block.count <= limit else { throw .tooLong(block.count) }
        guard let text = String(validating: block, as: UTF8.self) else { throw .malformed }
        return text
    }

    /// A URL or the like: visible ASCII without a quotation mark, so that it may stand in a header, in a playlist and in
    /// a log. It may be empty.
    mutating func visible() throws(GossipFailure) -> String {
        let text = try text(limit: WireLimit.text)
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") }) else {
            throw .malformed
        }
        return text
    }

    /// What stands behind a length of at most `limit`; a newer node may have written more into it than is read.
    mutating func sized<Value>(
        limit: Int, _ read: (inout WireReader) throws(GossipFailure) -> Value
    ) throws(GossipFailure) -> Value {
        let block = try block()
        guard block.count <= limit else { throw .tooLong(block.count) }
        var reader = WireReader(block)
        return try read(&reader)
    }

    mutating func list<Value>(
        limit: Int, _ read: (inout WireReader) throws(GossipFailure) -> Value
    ) throws(GossipFailure) -> [Value] {
        let count = try length()
        guard count <= limit else { throw .malformed }
        var values: [Value] = []
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    mutating func node() throws(GossipFailure) -> NodeID {
        guard let node = NodeID(parsing: try text(limit: NodeID.maximumLength)) else { throw .malformed }
        return node
    }

    mutating func region() throws(GossipFailure) -> Region {
        guard let region = Region(parsing: try text(limit: WireLimit.text)) else { throw .malformed }
        return region
    }

    mutating func zone() throws(GossipFailure) -> Zone {
        guard let zone = Zone(parsing: try text(limit: WireLimit.text)) else { throw .malformed }
        return zone
    }

    /// A stream with its app: a name alone would come back longer than it came, and might not fit again.
    mutating func stream() throws(GossipFailure) -> StreamID {
        let text = try text(limit: StreamID.maximumLength)
        guard text.utf8.contains(UInt8(ascii: "/")) else { throw .malformed }
        do { return try StreamID(parsing: text) } catch { throw .malformed }
    }
}
