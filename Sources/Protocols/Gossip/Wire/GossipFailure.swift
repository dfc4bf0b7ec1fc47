// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a datagram or a stream message of gossip.
public enum GossipFailure: Error, Hashable, Sendable {
    /// A field says what no node of this version says: a name that is none, a text or list over its limit, a number out
    /// of its range, a message that is not the first item.
    case malformed
    /// Over a limit of size; carries the size in bytes that was claimed.
    case tooLong(Int)
    /// Something ends before its length says so.
    case truncated
    /// Another version of the wire format.
    case unknownVersion(UInt8)
}
