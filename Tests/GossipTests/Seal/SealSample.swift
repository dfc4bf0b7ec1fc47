// SPDX-License-Identifier: Apache-2.0

import Gossip
import Identity

/// What the sealed vectors were made with.
enum SealSample {
    static let key = known(ClusterKey(bytes: Array(0x40..<0x60)))
    static let otherKey = known(ClusterKey(bytes: Array(0x60..<0x80)))
    static let boot: UInt64 = 0x018C_0000_0000_00

    static func identity(
        _ sender: NodeID = Sample.node, boot: UInt64 = boot, cluster: String = "studio", pool: String = "eu"
    ) -> SealIdentity { SealIdentity(cluster: cluster, pool: pool, sender: sender, boot: boot) }

    /// The seal of a member that does not send the vectors.
    static func receiver(maximumSenders: Int = 16) -> PacketSeal {
        PacketSeal(identity(Sample.other), keyring: Keyring(key), maximumSenders: maximumSenders)
    }

    static func sender(
        _ name: NodeID = Sample.node, boot: UInt64 = boot, key: ClusterKey = key, cluster: String = "studio",
        pool: String = "eu"
    ) -> PacketSeal { PacketSeal(identity(name, boot: boot, cluster: cluster, pool: pool), keyring: Keyring(key)) }
}

/// Gives the same bytes again and again, as the vectors of streams were made with.
struct CountingBytes: RandomNumberGenerator {
    var byte: UInt8

    mutating func next() -> UInt64 {
        defer { byte &+= 1 }
        return UInt64(byte)
    }
}

/// What opening leads to: a failure or nothing.
func failure(_ seal: inout PacketSeal, _ packet: some Collection<UInt8>, now: Duration = .zero) -> SealFailure? {
    do throws(SealFailure) {
        _ = try seal.open(Array(packet)[...], now: now)
        return nil
    } catch { return error }
}
