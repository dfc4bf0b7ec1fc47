// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Who seals, and for whom: a node in one of its lives, in one pool of its cluster.
public struct SealIdentity: Sendable {
    /// The node.
    public let sender: NodeID
    /// Higher in each of its lives: Unix milliseconds at boot, shifted left by 8. With the name and the pool it makes the
    /// key that packets are sealed with, so no two lives of a name may have the same: a nonce would be used twice.
    public let boot: UInt64
    /// SHA-256 of the cluster's name, a zero byte and the pool's name.
    let pool: [UInt8]

    /// An identity of its parts.
    /// - Parameters:
    ///   - cluster: the cluster's name.
    ///   - pool: the region's name, or nothing for the pool between regions.
    public init(cluster: String, pool: String, sender: NodeID, boot: UInt64) {
        self.sender = sender
        self.boot = boot
        self.pool = sha256(Array(cluster.utf8) + [0] + Array(pool.utf8))
    }

    /// Another member of the same pool.
    init(sender: NodeID, boot: UInt64, poolOf own: SealIdentity) {
        self.sender = sender
        self.boot = boot
        pool = own.pool
    }

    /// The first four bytes of the pool's hash, as they travel.
    var tag: UInt32 { shortened(pool) }

    func header(_ kind: SealKind, key: ClusterKey) -> PacketHeader {
        PacketHeader(kind: kind, key: key.id, cluster: tag, sender: sender)
    }
}
