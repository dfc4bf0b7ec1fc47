// SPDX-License-Identifier: Apache-2.0

import Gossip
import Identity

/// What the paths between nodes carry: what the core's encoders and seals say they make, and the headers around it.
enum PathSize {
    /// A sealed datagram of `size` with IPv4 and UDP.
    static func datagram(_ size: Int) -> Int { size + 28 }

    /// A message on a stream: its sealed records in segments of 1448 bytes, each with IPv4 and TCP with timestamps.
    static func message(_ message: GossipStreamMessage) -> Int {
        segments(SealedStreamSession.sealedSize(of: message.encodedSize))
    }

    /// What the opener of a stream sends beside messages: SYN, two acknowledgements, its greeting, FIN.
    static func opening(by sender: NodeID) -> Int {
        60 + 3 * header + segments(SealedStreamSession.greetingSize(sender: sender))
    }

    /// What the acceptor of a stream sends beside messages: SYN-ACK, its greeting, FIN.
    static func accepting(by sender: NodeID) -> Int {
        60 + header + segments(SealedStreamSession.greetingSize(sender: sender))
    }

    private static func segments(_ bytes: Int) -> Int { bytes + (bytes + 1447) / 1448 * header }

    private static let header = 52
}
