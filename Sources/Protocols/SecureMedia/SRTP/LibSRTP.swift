// SPDX-License-Identifier: Apache-2.0

import CSRTP

/// Takes the protection off what a publisher sends by libsrtp, in place, and refuses replays.
///
/// It costs 18 to 30 KB. libsrtp keeps a stream for each SSRC whose first packet's tag fits and does not bound them, so
/// here at most ``InboundSRTP/maximumStreams`` are let through.
public struct LibSRTP: ~Copyable {
    private let session: srtp_t
    private var streams: [UInt32] = []

    /// Opens with the remote key.
    public init(_ keys: SRTPKeys) {
        var master = keys.remote.key + keys.remote.salt
        var session: srtp_t?
        let result = master.withUnsafeMutableBufferPointer { master in
            var policy = srtp_policy_t()
            switch keys.profile {
            case .aeadAES128GCM:
                srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
                srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
            case .aes128CM:
                srtp_crypto_policy_set_rtp_default(&policy.rtp)
                srtp_crypto_policy_set_rtp_default(&policy.rtcp)
            }
            policy.ssrc.type = ssrc_any_inbound
            policy.key = master.baseAddress
            policy.window_size = 1024
            return Self.library == srtp_err_status_ok ? srtp_create(&session, &policy) : Self.library
        }
        guard result == srtp_err_status_ok, let session else { preconditionFailure("libsrtp refused: \(result)") }
        self.session = session
    }

    deinit { srtp_dealloc(session) }

    /// Opens an RTP packet, and gives the length of what is left of it. Where that fails the packet may be spoilt.
    public mutating func unprotect(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPFailure) -> Int {
        guard let layout = RTPLayout(UnsafeRawBufferPointer(packet)) else { throw .malformed }
        return try opened(packet, ssrc: layout.ssrc, srtp_unprotect)
    }

    /// Opens an RTCP packet, compound or not, and gives the length of what is left of it. Where that fails the packet
    /// may be spoilt.
    public mutating func unprotectControl(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPFailure) -> Int {
        guard let layout = RTCPLayout(UnsafeRawBufferPointer(packet)) else { throw .malformed }
        return try opened(packet, ssrc: layout.ssrc, srtp_unprotect_rtcp)
    }

    private mutating func opened(
        _ packet: UnsafeMutableRawBufferPointer, ssrc: UInt32,
        _ open: (srtp_t?, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int32>?) -> srtp_err_status_t
    ) throws(SRTPFailure) -> Int {
        let isKnown = streams.contains(ssrc)
        guard isKnown || streams.count < InboundSRTP.maximumStreams else { throw .tooManyStreams }
        guard var length = Int32(exactly: packet.count) else { throw .malformed }
        let result = open(session, packet.baseAddress, &length)
        guard result == srtp_err_status_ok else { throw SRTPFailure(result) }
        if !isKnown { streams.append(ssrc) }
        return Int(length)
    }

    /// The library is made ready once in a process.
    private static let library = srtp_init()
}

extension SRTPFailure {
    fileprivate init(_ status: srtp_err_status_t) {
        switch status {
        case srtp_err_status_replay_fail, srtp_err_status_replay_old: self = .replayed
        case srtp_err_status_parse_err, srtp_err_status_bad_param, srtp_err_status_cant_check: self = .malformed
        case srtp_err_status_key_expired: self = .keyExhausted
        default: self = .forged
        }
    }
}
