// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Cluster

/// A file of the MaxMind DB format 2.0 (maxmind.github.io/MaxMind-DB), which says where addresses are.
///
/// The file is a binary tree over the bits of an address, sixteen zero bytes, values, and metadata. Nothing is copied
/// when it is opened; an answer is read when it is asked for. A corrupt file throws, and costs a bounded effort.
public struct GeoDatabase: Sendable {
    /// What the file says of itself.
    public let metadata: GeoValue
    private let tree: ByteSlice
    private let values: GeoValueReader
    private let nodes: UInt64
    private let recordBits: Int
    private let isIPv6: Bool

    /// Opens a whole file.
    public init(_ file: ByteSlice) throws(GeoDatabaseFailure) {
        guard let start = Self.metadataStart(in: file) else { throw .notADatabase }
        var reader = GeoValueReader(section: file[start...])
        metadata = try reader.value(at: 0)
        guard metadata["binary_format_major_version"]?.unsigned == 2 else { throw .unsupportedVersion }
        guard let nodes = metadata["node_count"]?.unsigned, nodes <= UInt32.max,
            let bits = metadata["record_size"]?.unsigned, [24, 28, 32].contains(bits),
            let version = metadata["ip_version"]?.unsigned, [4, 6].contains(version)
        else { throw .notADatabase }
        let treeSize = Int(nodes * bits / 4)
        guard file.count >= treeSize + Self.separator else { throw .notADatabase }
        self.nodes = nodes
        recordBits = Int(bits)
        isIPv6 = version == 6
        tree = file.prefix(treeSize)
        values = GeoValueReader(section: file.dropFirst(treeSize + Self.separator))
    }

    /// What the file says of an address; nil where it says nothing.
    public func value(of address: IPAddress) throws(GeoDatabaseFailure) -> GeoValue? {
        guard let record = record(of: address), record > nodes else { return nil }
        let offset = record - nodes
        guard offset >= UInt64(Self.separator) else { throw .corrupt }
        var reader = values
        return try reader.value(at: Int(offset) - Self.separator)
    }

    /// Zero bytes between the tree and the values.
    private static let separator = 16
}

extension GeoDatabase {
    /// The record at which the address's path leaves the tree; nil where the file has no addresses of its family. The
    /// addresses of IPv4 are the lowest of IPv6.
    private func record(of address: IPAddress) -> UInt64? {
        switch address {
        case .v4(let number): return walk(0, UInt64(number), bits: isIPv6 ? 128 : 32)
        case .v6(let upper, let lower): return isIPv6 ? walk(upper, lower, bits: 128) : nil
        }
    }

    private func walk(_ upper: UInt64, _ lower: UInt64, bits: Int) -> UInt64 {
        var node: UInt64 = 0
        for bit in stride(from: bits - 1, through: 0, by: -1) {
            guard node < nodes else { break }
            let half = bit >= 64 ? upper >> UInt64(bit - 64) : lower >> UInt64(bit)
            node = record(Int(node), isRight: half & 1 == 1)
        }
        return node
    }

    /// One of a node's two records. In 28 bits, the middle byte holds the upper four bits of both.
    private func record(_ node: Int, isRight: Bool) -> UInt64 {
        let start = tree.startIndex + node * recordBits / 4
        func number(_ offset: Int, _ count: Int) -> UInt64 {
            tree[start + offset..<start + offset + count].reduce(0) { $0 << 8 | UInt64($1) }
        }
        switch recordBits {
        case 24: return number(isRight ? 3 : 0, 3)
        case 28:
            let middle = number(3, 1)
            return isRight ? (middle & 15) << 24 | number(4, 3) : (middle >> 4) << 24 | number(0, 3)
        default: return number(isRight ? 4 : 0, 4)
        }
    }

    /// Behind the last marker in the file's last 128 KiB.
    private static func metadataStart(in file: ByteSlice) -> Int? {
        let marker: [UInt8] = [0xAB, 0xCD, 0xEF] + Array("MaxMind.com".utf8)
        let lowest = max(file.startIndex, file.endIndex - 128 * 1024)
        var start = file.endIndex - marker.count
        while start >= lowest {
            if file[start] == marker[0], file[start..<start + marker.count].elementsEqual(marker) {
                return start + marker.count
            }
            start -= 1
        }
        return nil
    }
}
