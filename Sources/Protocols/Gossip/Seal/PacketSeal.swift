// SPDX-License-Identifier: Apache-2.0

public import Bytes
public import Identity

/// Seals a node's packets and opens those of the other members of a pool: AES-256-GCM, each sender under a key of its
/// own, HKDF-SHA256(cluster key; salt: the pool's hash; info: the sender's name and life), with a counter as nonce.
///
/// It is a pure function but for its counter and for what it remembers of senders: their derived key and a replay window,
/// at most 4096 of them, the one not heard for longest forgotten first. Nothing is remembered before a tag has fitted, so
/// whoever has no key changes nothing. It can not be copied, because two of the same counter would use a nonce twice.
public struct PacketSeal: ~Copyable {
    /// The keys to seal and open with.
    public var keyring: Keyring {
        didSet {
            guard keyring.inUse != oldValue.inUse else { return }
            cipher = Self.cipher(keyring.inUse, identity, seals: true)
            header = Self.header(keyring.inUse, identity)
        }
    }
    private let identity: SealIdentity
    private let maximumSenders: Int
    private var cipher: SealCipher
    private var header: [UInt8]
    private var counter: UInt64 = 0
    private var senders: [NodeID: SenderLife] = [:]

    /// A seal at the beginning of a life.
    public init(_ identity: SealIdentity, keyring: Keyring, maximumSenders: Int = 4096) {
        precondition(maximumSenders > 0, "nobody could be heard")
        self.identity = identity
        self.keyring = keyring
        self.maximumSenders = maximumSenders
        cipher = Self.cipher(keyring.inUse, identity, seals: true)
        header = Self.header(keyring.inUse, identity)
    }

    /// How many senders are remembered.
    public var rememberedSenders: Int { senders.count }

    /// For how long a life of a higher number must be silent before a lower one is believed, which is what a node has
    /// whose clock was set back while it was away.
    public static let lifeSilence: Duration = .seconds(30)

    /// The packet that carries `plain`, at most ``GossipDatagram/maximumSize`` bytes long.
    public mutating func seal(_ plain: ByteSlice) -> [UInt8] {
        counter += 1
        precondition(counter < 1 << 48, "all nonces of this life are used")
        var packet: [UInt8] = []
        packet.reserveCapacity(PacketHeader.overhead(sender: identity.sender) + plain.count)
        packet.append(contentsOf: header)
        packet.append(bigEndian: UInt16(truncatingIfNeeded: counter >> 32))
        packet.append(bigEndian: UInt32(truncatingIfNeeded: counter))
        cipher.seal(plain, counter: counter, header: 0, into: &packet)
        precondition(packet.count <= GossipDatagram.maximumSize, "a packet of \(packet.count) bytes")
        return packet
    }

    /// What a packet carries. `now` is monotonic.
    public mutating func open(_ packet: ByteSlice, now: Duration) throws(SealFailure) -> OpenedPacket {
        guard packet.count <= GossipDatagram.maximumSize else { throw .tooLong }
        let envelope = try PacketEnvelope(packet, pool: identity.tag)
        let sender = envelope.header.sender
        guard let key = keyring.key(envelope.header.key) else { throw .unknownKey }
        guard sender != identity.sender || envelope.boot != identity.boot else { throw .replayed }
        let cipher = cipher(of: sender, boot: envelope.boot, key: key)
        guard
            let plain = cipher.open(envelope.sealed, counter: envelope.counter, header: envelope.authenticated)
        else { throw .forged }
        try admit(envelope, key: key.id, cipher: cipher, now: now)
        return OpenedPacket(sender: sender, boot: envelope.boot, plain: plain)
    }
}

/// What was in a packet, and who sealed it.
public struct OpenedPacket: Hashable, Sendable {
    /// The sender's name, authenticated as far as a member is believed.
    public let sender: NodeID
    /// The number of the sender's life.
    public let boot: UInt64
    /// What was sealed.
    public let plain: [UInt8]
}

extension PacketSeal {
    /// The cipher that this sender's packets are opened with, out of memory or derived.
    private func cipher(of sender: NodeID, boot: UInt64, key: ClusterKey) -> SealCipher {
        if let life = senders[sender], life.boot == boot, life.key == key.id { return life.cipher }
        let other = SealIdentity(sender: sender, boot: boot, poolOf: identity)
        return Self.cipher(key, other, seals: false)
    }

    /// Remembers an authentic packet; refuses one that was opened before.
    private mutating func admit(
        _ envelope: PacketEnvelope, key: UInt32, cipher: SealCipher, now: Duration
    ) throws(SealFailure) {
        let sender = envelope.header.sender
        if senders[sender]?.boot == envelope.boot {
            guard senders[sender]?.window.accept(envelope.counter) == true else { throw .replayed }
            senders[sender]?.renew(key: key, cipher: cipher, now: now)
            return
        }
        if let life = senders[sender], envelope.boot < life.boot, now - life.heard < Self.lifeSilence {
            throw .replayed
        }
        var life = SenderLife(boot: envelope.boot, key: key, cipher: cipher, heard: now)
        guard life.window.accept(envelope.counter) else { throw .replayed }
        if senders[sender] == nil { makeRoom() }
        senders[sender] = life
    }

    private mutating func makeRoom() {
        guard senders.count >= maximumSenders else { return }
        guard let oldest = senders.min(by: { ($0.value.heard, $0.key) < ($1.value.heard, $1.key) })?.key else { return }
        senders[oldest] = nil
    }

    /// A packet up to its counter.
    private static func header(_ key: ClusterKey, _ identity: SealIdentity) -> [UInt8] {
        var header: [UInt8] = []
        identity.header(.packet, key: key).append(to: &header)
        header.append(bigEndian: identity.boot)
        return header
    }

    private static func cipher(_ key: ClusterKey, _ identity: SealIdentity, seals: Bool) -> SealCipher {
        var info = Array("millrace gossip packet".utf8)
        info.append(name: identity.sender)
        info.append(bigEndian: identity.boot)
        return SealCipher(key: derivedKey(from: key.bytes, salt: identity.pool, info: info), seals: seals)
    }
}

/// What is remembered of a sender: its newest life.
private struct SenderLife {
    let boot: UInt64
    var key: UInt32
    var cipher: SealCipher
    var heard: Duration
    var window = ReplayWindow()

    init(boot: UInt64, key: UInt32, cipher: SealCipher, heard: Duration) {
        self.boot = boot
        self.key = key
        self.cipher = cipher
        self.heard = heard
    }

    mutating func renew(key: UInt32, cipher: SealCipher, now: Duration) {
        heard = now
        guard key != self.key else { return }
        self.key = key
        self.cipher = cipher
    }
}
