// SPDX-License-Identifier: Apache-2.0

/// Writes datagrams as bytes, to be sealed.
///
/// A datagram is a version and items up to its end: the message, if there is one, then rumours. An item is a kind, the
/// length of its body as LEB128, and the body. A receiver skips items of kinds it does not know and whatever stands in a
/// body behind the fields it knows, so an older node does not refuse what a newer one says; a new value of an
/// enumeration is therefore a new kind. The sender's name is not among the bytes: it stands in the seal's header.
public struct GossipDatagramEncoder: Sendable {
    /// The version written.
    public static let version: UInt8 = 1

    /// An encoder.
    public init() {}

    /// Appends one datagram.
    public func append(_ datagram: GossipDatagram, to bytes: inout [UInt8]) {
        bytes.append(Self.version)
        if let message = datagram.message {
            bytes.append(message.kind.rawValue)
            bytes.write(sized: message, limit: GossipDatagram.maximumSize)
        }
        for rumour in datagram.rumours {
            bytes.append(rumour.kind.rawValue)
            bytes.write(sized: rumour, limit: GossipDatagram.maximumSize)
        }
    }
}

extension GossipDatagram {
    /// How many bytes it takes before it is sealed, exactly.
    public var encodedSize: Int {
        rumours.reduce(Self.emptySize + (message?.encodedSize ?? 0)) { $0 + $1.encodedSize }
    }

    /// What a datagram takes without a message and without rumours, in bytes.
    public static let emptySize = 1
}
