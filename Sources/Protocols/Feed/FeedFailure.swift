// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a feed record.
public enum FeedFailure: Error, Hashable, Sendable {
    /// The record is cut short, or a length inside it reaches past its end.
    case truncated
    /// A version that this node does not read.
    case unknownVersion(UInt8)
    /// A kind of record that this version does not have.
    case unknownKind(UInt8)
    /// A field holds what it can not hold, a number is not written in the shortest way, or bytes follow the record.
    case malformed
}
