// SPDX-License-Identifier: Apache-2.0

/// How media is protected: the two profiles that WebRTC's peers speak. Sizes are in bytes.
public enum SRTPProfile: Hashable, Sendable, CaseIterable {
    /// SRTP_AEAD_AES_128_GCM (RFC 7714), the one preferred: it costs a third of the other.
    case aeadAES128GCM
    /// SRTP_AES128_CM_SHA1_80: AES-128 in counter mode with HMAC-SHA1 cut to 80 bits (RFC 3711, RFC 5764 §4.1.2).
    case aes128CM

    /// By how much protection makes an RTP packet longer.
    public var rtpOverhead: Int {
        switch self {
        case .aeadAES128GCM: 16
        case .aes128CM: 10
        }
    }

    /// By how much protection makes an RTCP packet longer: the tag, and the word of the E flag and the index.
    public var rtcpOverhead: Int { rtpOverhead + Self.indexSize }

    /// By how much protection makes any packet longer at most, of all profiles.
    public static let largestOverhead = 20

    /// The name in use_srtp, as OpenSSL spells it.
    var name: String {
        switch self {
        case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
        case .aes128CM: "SRTP_AES128_CM_SHA1_80"
        }
    }

    /// The number in use_srtp (RFC 5764 §4.1.2, RFC 7714 §14.2).
    var number: UInt {
        switch self {
        case .aeadAES128GCM: 7
        case .aes128CM: 1
        }
    }

    var saltSize: Int {
        switch self {
        case .aeadAES128GCM: 12
        case .aes128CM: 14
        }
    }

    static let keySize = 16
    static let authenticationKeySize = 20
    static let indexSize = 4
}
