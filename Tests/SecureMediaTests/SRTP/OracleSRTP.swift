// SPDX-License-Identifier: Apache-2.0

import CSRTP
import SecureMedia

/// libsrtp as a sender.
final class OracleSender {
    private var session: srtp_t?

    /// Protects with the local key; the receiving half of libsrtp is ``LibSRTP``, which also makes the library ready.
    init(_ keys: SRTPKeys) {
        _ = LibSRTP(keys)
        var master = keys.local.key + keys.local.salt
        let result = master.withUnsafeMutableBufferPointer { master in
            var policy = srtp_policy_t()
            if keys.profile == .aeadAES128GCM {
                srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
                srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
            } else {
                srtp_crypto_policy_set_rtp_default(&policy.rtp)
                srtp_crypto_policy_set_rtp_default(&policy.rtcp)
            }
            policy.ssrc.type = ssrc_any_outbound
            policy.key = master.baseAddress
            policy.window_size = 1024
            return srtp_create(&session, &policy)
        }
        precondition(result == srtp_err_status_ok, "\(result)")
    }

    deinit { srtp_dealloc(session) }

    func protect(_ plain: [UInt8], isControl: Bool = false) -> [UInt8]? {
        var bytes = plain + [UInt8](repeating: 0, count: Int(SRTP_MAX_TRAILER_LEN) + 4)
        var length = Int32(plain.count)
        let result = bytes.withUnsafeMutableBytes {
            isControl
                ? srtp_protect_rtcp(session, $0.baseAddress, &length)
                : srtp_protect(session, $0.baseAddress, &length)
        }
        return result == srtp_err_status_ok ? Array(bytes[..<Int(length)]) : nil
    }
}

/// libsrtp as a receiver.
final class OracleReceiver {
    private var srtp: LibSRTP

    init(_ keys: SRTPKeys) { srtp = LibSRTP(keys) }

    /// Opens a copy of an RTP or an RTCP packet.
    func unprotect(_ sealed: [UInt8], isControl: Bool = false) throws(SRTPFailure) -> [UInt8] {
        // libsrtp may look a little beyond the end of what is too short.
        let buffer = UnsafeMutableRawBufferPointer.copied(sealed + [UInt8](repeating: 0, count: 64))
        defer { buffer.deallocate() }
        let packet = UnsafeMutableRawBufferPointer(rebasing: buffer[..<sealed.count])
        return Array(buffer[..<(try isControl ? srtp.unprotectControl(packet) : srtp.unprotect(packet))])
    }
}
