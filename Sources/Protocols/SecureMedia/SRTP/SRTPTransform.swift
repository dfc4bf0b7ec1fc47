// SPDX-License-Identifier: Apache-2.0

/// One session key at work, of either profile.
enum SRTPTransform: ~Copyable {
    case aead(AEADTransform)
    case counter(CounterTransform)

    /// - Parameter seals: whether it is for what is sent; one for what is received can not do that.
    init(_ profile: SRTPProfile, _ key: SRTPSessionKey, seals: Bool) {
        switch profile {
        case .aeadAES128GCM: self = .aead(AEADTransform(key, seals: seals))
        case .aes128CM: self = .counter(CounterTransform(key))
        }
    }

    /// Encrypts a packet in place, and writes its tag. There is room for it.
    @inline(__always)
    func seal(_ packet: UnsafeMutablePointer<UInt8>, _ place: SRTPPlace) {
        switch self {
        case .aead(let transform): transform.seal(packet, place)
        case .counter(let transform): transform.seal(packet, place)
        }
    }

    /// Decrypts a packet in place; false where its tag does not fit.
    @inline(__always)
    func open(_ packet: UnsafeMutablePointer<UInt8>, _ place: SRTPPlace) -> Bool {
        switch self {
        case .aead(let transform): transform.open(packet, place)
        case .counter(let transform): transform.open(packet, place)
        }
    }
}

/// What a transform has to know of a packet. Sizes are in bytes.
struct SRTPPlace {
    let packets: SRTPPackets
    let ssrc: UInt32
    /// 48 bits of RTP: the rollover counter and the sequence number; 31 of RTCP.
    let index: UInt64
    /// What stays in clear.
    let headerSize: Int
    /// What is encrypted.
    let bodySize: Int

    /// The last word of an RTCP packet, or the one before its tag: the E flag, which is always set, and the index.
    var indexWord: UInt32 { Self.encrypted | UInt32(truncatingIfNeeded: index) }

    /// The E flag (RFC 3711 §3.4).
    static let encrypted: UInt32 = 1 << 31
}
