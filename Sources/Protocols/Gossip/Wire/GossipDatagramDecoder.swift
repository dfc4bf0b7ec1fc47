// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Identity

/// Reads what ``GossipDatagramEncoder`` writes.
public struct GossipDatagramDecoder: Sendable {
    /// Items of unknown kinds so far.
    public private(set) var skippedItems = 0

    /// A decoder.
    public init() {}

    /// Reads one opened datagram of `sender`, which fills `bytes`.
    public mutating func datagram(from bytes: ByteSlice, sender: NodeID) throws(GossipFailure) -> GossipDatagram {
        guard bytes.count <= GossipDatagram.maximumSize else { throw .tooLong(bytes.count) }
        var reader = WireReader(bytes)
        let version = try reader.byte()
        guard version == GossipDatagramEncoder.version else { throw .unknownVersion(version) }
        var datagram = GossipDatagram(sender: sender)
        var isFirst = true
        while !reader.isEmpty {
            try item(&reader, isFirst: isFirst, into: &datagram)
            isFirst = false
        }
        return datagram
    }

    private mutating func item(
        _ reader: inout WireReader, isFirst: Bool, into datagram: inout GossipDatagram
    ) throws(GossipFailure) {
        let number = try reader.byte()
        var body = WireReader(try reader.block())
        guard let kind = ItemKind(rawValue: number) else {
            skippedItems &+= 1
            return
        }
        if let rumour = try body.rumour(kind) {
            datagram.rumours.append(rumour)
        } else {
            guard isFirst else { throw .malformed }
            datagram.message = try body.message(kind)
        }
    }
}

extension GossipDatagram {
    /// The largest datagram as it travels, sealed, in bytes: what passes everywhere below an MTU of 1500 with room for
    /// tunnels.
    public static let maximumSize = 1400
}
