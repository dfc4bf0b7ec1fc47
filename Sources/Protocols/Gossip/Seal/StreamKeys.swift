// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity

/// The two directions of a sealed stream, each with a key and a counter of its own.
struct StreamKeys {
    private let sealing: SealCipher
    private let opening: SealCipher
    private var sealed: UInt64
    private var opened: UInt64
    /// Who is to show by a record that it is here; nil once it has.
    private var unproven: NodeID?

    /// The longest record's plain bytes.
    static let recordSize = 16 << 10

    /// Keys of both nonces and both names. The acceptor's counter 0 is its answer's; records begin at 1 in both
    /// directions.
    init(key: ClusterKey, salt: [UInt8], opener: NodeID, acceptor: NodeID, isOpener: Bool) {
        func derived(_ label: String) -> [UInt8] {
            var info = Array("millrace gossip stream to \(label)".utf8)
            info.append(name: opener)
            info.append(name: acceptor)
            return derivedKey(from: key.bytes, salt: salt, info: info)
        }
        sealing = SealCipher(key: derived(isOpener ? "acceptor" : "opener"), seals: true)
        opening = SealCipher(key: derived(isOpener ? "opener" : "acceptor"), seals: false)
        (sealed, opened) = (0, 0)
        unproven = isOpener ? nil : opener
    }

    /// Appends the tag of the answer to it.
    func sign(_ answer: inout [UInt8]) { sealing.seal([], counter: 0, header: 0, into: &answer) }

    func verify(_ answer: StreamHello) -> Bool {
        opening.open(answer.tag, counter: 0, header: answer.authenticated) != nil
    }

    /// The peer, the first time it is asked for.
    mutating func prove() -> NodeID? {
        defer { unproven = nil }
        return unproven
    }

    mutating func seal(_ plain: ByteSlice) -> [UInt8] {
        var (records, rest): ([UInt8], ByteSlice) = ([], plain)
        while !rest.isEmpty {
            let piece = rest.prefix(Self.recordSize)
            rest = rest.dropFirst(piece.count)
            sealed += 1
            let start = records.count
            records.append(bigEndian: UInt16(piece.count + SealCipher.tagSize))
            sealing.seal(piece, counter: sealed, header: start, into: &records)
        }
        return records
    }

    /// The plain bytes of the next record; nil while it is not whole.
    mutating func open(_ reader: inout ByteReader) throws(SealFailure) -> [UInt8]? {
        var ahead = reader
        guard let length = try? ahead.uint16() else { return nil }
        guard length <= Self.recordSize + SealCipher.tagSize else { throw .tooLong }
        guard length > SealCipher.tagSize else { throw .tooShort }
        guard let record = try? ahead.bytes(Int(length)) else { return nil }
        opened += 1
        let header = reader.rest.prefix(2)
        guard let plain = opening.open(record, counter: opened, header: header) else { throw .forged }
        reader = ahead
        return plain
    }
}
