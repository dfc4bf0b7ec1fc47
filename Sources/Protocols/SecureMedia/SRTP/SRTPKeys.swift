// SPDX-License-Identifier: Apache-2.0

/// The master keys of both directions, as DTLS agreed on them. Its description does not tell them.
public struct SRTPKeys: Hashable, Sendable, CustomStringConvertible {
    /// What they are used with.
    public let profile: SRTPProfile
    /// Protects what this node sends.
    public let local: SRTPMasterKey
    /// Protects what the peer sends.
    public let remote: SRTPMasterKey

    /// Keys of both directions, whose salts fit the profile.
    public init(profile: SRTPProfile, local: SRTPMasterKey, remote: SRTPMasterKey) {
        precondition(local.salt.count == profile.saltSize && remote.salt.count == profile.saltSize, "\(profile)")
        self.profile = profile
        self.local = local
        self.remote = remote
    }

    /// Takes apart what the exporter gave (RFC 5764 §4.2): the keys of the DTLS client and server, then their salts.
    package init(profile: SRTPProfile, exported: [UInt8], isClient: Bool) {
        precondition(exported.count == Self.exportedSize(profile), "\(exported.count) exported bytes")
        let (key, salt) = (SRTPProfile.keySize, profile.saltSize)
        let masters = (0...1).map { side in
            SRTPMasterKey(
                key: Array(exported[key * side..<key * (side + 1)]),
                salt: Array(exported[2 * key + salt * side..<2 * key + salt * (side + 1)]))
        }
        self.init(
            profile: profile, local: isClient ? masters[0] : masters[1], remote: isClient ? masters[1] : masters[0])
    }

    /// How many bytes the exporter is asked for.
    static func exportedSize(_ profile: SRTPProfile) -> Int { 2 * (SRTPProfile.keySize + profile.saltSize) }

    /// The keys as the peer has them.
    public var reversed: SRTPKeys { SRTPKeys(profile: profile, local: remote, remote: local) }

    /// The profile only.
    public var description: String { "keys of \(profile)" }
}

/// A master key and its salt (RFC 3711 §3.2.1). Its description does not tell them.
public struct SRTPMasterKey: Hashable, Sendable, CustomStringConvertible {
    /// 16 bytes.
    public let key: [UInt8]
    /// 12 bytes for AES-GCM, 14 for counter mode.
    public let salt: [UInt8]

    /// A key of 16 bytes and a salt of 12 or 14.
    public init(key: [UInt8], salt: [UInt8]) {
        precondition(key.count == SRTPProfile.keySize && [12, 14].contains(salt.count), "\(key.count), \(salt.count)")
        self.key = key
        self.salt = salt
    }

    /// Says nothing of the key.
    public var description: String { "an SRTP master key" }
}
