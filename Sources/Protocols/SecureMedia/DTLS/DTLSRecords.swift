// SPDX-License-Identifier: Apache-2.0

/// The records of DTLS 1.2 (RFC 6347 §4.1), as far as they have to be cut.
enum DTLSRecords {
    /// Puts whole records into datagrams of at most `limit` bytes, in order, as many as fit into each. One that is longer
    /// than that gets a datagram of its own.
    static func datagrams(_ records: [UInt8], limit: Int) -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        var (begin, end) = (0, 0)
        while end < records.count {
            let next = min(records.count, end + size(records[end...]))
            if next - begin > limit, end > begin {
                datagrams.append(Array(records[begin..<end]))
                begin = end
            }
            end = next
        }
        if end > begin { datagrams.append(Array(records[begin..<end])) }
        return datagrams
    }

    /// How much of a datagram is looked at during a handshake: all up to the record that is one too many of an epoch after
    /// the first. OpenSSL would keep up to a hundred of them, each in a buffer of 17 KB, until their epoch begins.
    ///
    /// - Parameter remaining: how many such records may come yet.
    static func admitted(_ datagram: UnsafeRawBufferPointer, remaining: inout Int) -> UnsafeRawBufferPointer {
        var end = 0
        while end + headerSize <= datagram.count {
            if datagram[end + 3] != 0 || datagram[end + 4] != 0 {
                guard remaining > 0 else { break }
                remaining -= 1
            }
            let length = Int(datagram[end + 11]) << 8 | Int(datagram[end + 12])
            end = min(datagram.count, end + headerSize + length)
        }
        return UnsafeRawBufferPointer(rebasing: datagram[..<end])
    }

    /// How long the first record is, with its header.
    private static func size(_ records: ArraySlice<UInt8>) -> Int {
        guard records.count >= headerSize else { return records.count }
        let start = records.startIndex
        return headerSize + (Int(records[start + 11]) << 8 | Int(records[start + 12]))
    }

    /// Type, version, epoch, number and length.
    static let headerSize = 13
}
