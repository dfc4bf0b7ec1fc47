// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Gossip
import Identity

/// Datagrams to sealed packets and back, for both pools of a node.
struct GossipWire: ~Copyable {
    /// Who seals, by pool.
    struct Identities {
        let region: SealIdentity
        let world: SealIdentity

        subscript(pool: GossipPool) -> SealIdentity { pool == .region ? region : world }
    }

    let identities: Identities
    private var region: PacketSeal
    private var world: PacketSeal
    private var decoder = GossipDatagramDecoder()
    private let encoder = GossipDatagramEncoder()

    init(_ settings: ClusterNodeSettings, boot: UInt64, keyring: Keyring) {
        let node = settings.description.id
        let place = settings.description.region.description
        let identities = Identities(
            region: SealIdentity(cluster: settings.cluster, pool: place, sender: node, boot: boot << 8),
            world: SealIdentity(cluster: settings.cluster, pool: "", sender: node, boot: boot << 8))
        self.identities = identities
        region = PacketSeal(identities.region, keyring: keyring)
        world = PacketSeal(identities.world, keyring: keyring)
    }

    /// Seals and opens with these keys from now on.
    mutating func use(_ keyring: Keyring) {
        region.keyring = keyring
        world.keyring = keyring
    }

    mutating func seal(_ datagram: GossipDatagram, in pool: GossipPool) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(datagram.encodedSize)
        encoder.append(datagram, to: &plain)
        return pool == .region ? region.seal(plain[...]) : world.seal(plain[...])
    }

    /// What a packet carries, and the pool that it was sealed for.
    mutating func open(_ packet: ByteSlice, now: Duration) throws(SealFailure) -> (GossipDatagram, GossipPool) {
        var pool = GossipPool.region
        var opened: OpenedPacket
        do throws(SealFailure) {
            opened = try region.open(packet, now: now)
        } catch {
            guard error == .wrongCluster else { throw error }
            pool = .world
            opened = try world.open(packet, now: now)
        }
        guard let datagram = try? decoder.datagram(from: opened.plain[...], sender: opened.sender) else {
            throw .version
        }
        return (datagram, pool)
    }
}
