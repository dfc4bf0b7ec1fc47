// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// What one kind of packets of one direction is protected with, derived from the master key (RFC 3711 §4.3).
package struct SRTPSessionKey {
    /// 16 bytes.
    package let encryption: [UInt8]
    /// 20 bytes; not used with AES-GCM.
    package let authentication: [UInt8]
    /// As long as the profile wants.
    package let salt: [UInt8]

    /// Keys that are known, as those of test vectors are.
    package init(encryption: [UInt8], authentication: [UInt8], salt: [UInt8]) {
        self.encryption = encryption
        self.authentication = authentication
        self.salt = salt
    }

    /// Derives the keys of RTP or of RTCP. The key derivation rate is 0, as it always is with DTLS-SRTP.
    package init(_ master: SRTPMasterKey, _ packets: SRTPPackets) {
        let label = packets.firstLabel
        encryption = derived(master, label: label, count: SRTPProfile.keySize)
        authentication = derived(master, label: label + 1, count: SRTPProfile.authenticationKeySize)
        salt = derived(master, label: label + 2, count: master.salt.count)
    }
}

/// RTP and RTCP have keys of their own.
package enum SRTPPackets {
    case rtp
    case rtcp

    fileprivate var firstLabel: UInt8 {
        switch self {
        case .rtp: 0
        case .rtcp: 3
        }
    }
}

/// The pseudo-random function of RFC 3711 §4.3.3: AES in counter mode, from the salt with the label added to it. A salt
/// of 12 bytes is the beginning of one of 14 (RFC 7714 §11).
private func derived(_ master: SRTPMasterKey, label: UInt8, count: Int) -> [UInt8] {
    var counter = master.salt + [UInt8](repeating: 0, count: 16 - master.salt.count)
    counter[7] ^= label
    return counterModeStream(key: master.key, counter: counter, count: count)
}

/// The first `count` bytes that AES-128 makes in counter mode.
package func counterModeStream(key: [UInt8], counter: [UInt8], count: Int) -> [UInt8] {
    guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("no memory for a cipher") }
    defer { EVP_CIPHER_CTX_free(context) }
    var stream = [UInt8](repeating: 0, count: count)
    var length: Int32 = 0
    let begun = EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nil, key, counter)
    let done = stream.withUnsafeMutableBufferPointer {
        EVP_EncryptUpdate(context, $0.baseAddress, &length, $0.baseAddress, Int32(count))
    }
    precondition(begun == 1 && done == 1 && length == count, "AES-128-CTR refused its key")
    return stream
}
