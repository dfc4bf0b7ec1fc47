// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Identity

/// What stands before the sealed bytes of a packet, in clear but authenticated. All integers are big-endian.
///
///     magic        2  "MG"
///     version      1  1
///     kind         1  0 packet, 1 hello, 2 answer to a hello (see ``SealedStreamSession``)
///     key          4  the first four bytes of the key's SHA-256
///     cluster tag  4  the first four bytes of SHA-256(cluster name, a zero byte, pool name)
///     sender       1 + n  the length of its name and the name, 1 to 63 bytes
///     boot         8  the sender's number of this life, higher in each life (packets only)
///     counter      6  from 1, higher in each packet of a life (packets only)
///     random      32  (hello and answer only)
///
/// The ciphertext follows and the tag of 16 bytes, so a packet is 43 + n bytes longer than what it carries. The numbers
/// of a life fill 8 bytes and 6: at a million packets a second a life lasts nine years.
struct PacketHeader {
    var kind: SealKind
    var key: UInt32
    var cluster: UInt32
    var sender: NodeID

    /// Every size but that of the name.
    private static let fixedSize = greetingSize + 8 + 6 + SealCipher.tagSize

    /// Every size of a greeting's header but that of the name.
    static let greetingSize = 2 + 1 + 1 + 4 + 4 + 1

    /// By how much sealing makes a packet of `sender` longer, in bytes.
    static func overhead(sender: NodeID) -> Int { fixedSize + sender.description.utf8.count }

    static let version: UInt8 = 1
    static let magic: UInt16 = 0x4D47

    func append(to bytes: inout [UInt8]) {
        bytes.append(bigEndian: Self.magic)
        bytes.append(Self.version)
        bytes.append(kind.rawValue)
        bytes.append(bigEndian: key)
        bytes.append(bigEndian: cluster)
        bytes.append(name: sender)
    }

    /// Reads the fields that all kinds have, and refuses what is not for this cluster before anything else is looked at.
    static func read(_ reader: inout ByteReader, cluster: UInt32) throws(SealFailure) -> PacketHeader {
        do {
            guard try reader.uint16() == magic else { throw SealFailure.notOurs }
            let version = try reader.uint8()
            guard version == Self.version else { throw SealFailure.version }
            guard let kind = SealKind(rawValue: try reader.uint8()) else { throw SealFailure.version }
            let key = try reader.uint32()
            guard try reader.uint32() == cluster else { throw SealFailure.wrongCluster }
            let name = try reader.bytes(Int(try reader.uint8()))
            guard let text = String(validating: name, as: UTF8.self), let sender = NodeID(parsing: text) else {
                throw SealFailure.forged
            }
            return PacketHeader(kind: kind, key: key, cluster: cluster, sender: sender)
        } catch let failure as SealFailure {
            throw failure
        } catch {
            throw .tooShort
        }
    }
}

/// What a header stands before. A kind that is not known is a newer version's.
enum SealKind: UInt8 {
    case packet = 0
    case hello = 1
    case answer = 2
}

extension [UInt8] {
    /// A node's name behind its length, as it stands in headers and in the derivation of keys.
    mutating func append(name: NodeID) {
        append(UInt8(truncatingIfNeeded: name.description.utf8.count))
        append(contentsOf: name.description.utf8)
    }
}

extension GossipDatagram {
    /// What a datagram of `sender` takes as it travels beside its message and its rumours, in bytes.
    public static func overhead(sender: NodeID) -> Int { emptySize + PacketHeader.overhead(sender: sender) }

    /// How many bytes it takes as it travels, exactly.
    public var sealedSize: Int { encodedSize + PacketHeader.overhead(sender: sender) }
}
