// SPDX-License-Identifier: Apache-2.0

/// The part of a session of plain RTP that another node than its home sends: the home, to which the source sends, has more
/// subscribers of it than it may send to, and calls one of the session's edge set. All packets of the channel belong to it.
///
/// It lasts as long as the connection does. Unlike a subscription to a feed it is called for from above, since only the
/// home knows who wants the packets.
public struct RelayBranch: Hashable, Sendable {
    /// The session's name; a branch of the same session that the home began earlier is replaced.
    public let session: String

    /// A branch of a session of this name.
    public init(session: String) { self.session = session }
}

/// Why nothing is sent to a subscriber.
public enum RelayDetachment: UInt8, Hashable, Sendable, CaseIterable {
    /// The node has as many subscribers as it may.
    case full = 1
    /// It was asked whether it wants the packets, and did not answer.
    case unwilling = 2
}

/// What was sent.
public struct RelayTally: Hashable, Sendable {
    /// Packets, all subscribers' together.
    public let packets: UInt64
    /// Their bytes.
    public let bytes: UInt64

    /// A tally of its parts.
    public init(packets: UInt64, bytes: UInt64) {
        self.packets = packets
        self.bytes = bytes
    }
}
