// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// OpenSSL's half of a session: datagrams go in one at a time, and come out cut as they are to travel.
final class DTLSEngine {
    private let ssl: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer
    private let expected: UnsafeMutablePointer<UInt8>
    /// How many encrypted records may come before the handshake ends: a peer's last message, again and again.
    private var remainingRecords = 16

    init(_ context: DTLSContext, role: DTLSRole, peer: CertificateFingerprint) {
        guard let ssl = SSL_new(context.pointer), let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem())
        else { preconditionFailure("no memory for a DTLS session") }
        (self.ssl, self.input, self.output) = (ssl, input, output)
        expected = .allocate(capacity: CertificateFingerprint.size)
        expected.initialize(from: peer.bytes, count: CertificateFingerprint.size)
        SSL_set_ex_data(ssl, Self.expectedFingerprint, expected)
        SSL_set_bio(ssl, input, output)
        millrace_dtls_set_mtu(ssl, DTLSSession.largestSent)
        DTLS_set_timer_cb(ssl, retransmission)
        switch role {
        case .active: SSL_set_connect_state(ssl)
        case .passive: SSL_set_accept_state(ssl)
        }
    }

    deinit {
        SSL_free(ssl)
        expected.deallocate()
    }

    /// Under which number of its own data a session has the fingerprint that it expects.
    static let expectedFingerprint: Int32 = 0

    /// What a step led to.
    enum Outcome: Equatable {
        case wantsMore
        case done
        case closed
        case failed(DTLSFailure)
    }
}

extension DTLSEngine {
    /// Goes on with the handshake, with the next datagram where there is one.
    func handshake(_ datagram: UnsafeRawBufferPointer?) -> Outcome {
        take(datagram.map { DTLSRecords.admitted($0, remaining: &remainingRecords) })
        let result = SSL_do_handshake(ssl)
        return result == 1 ? .done : outcome(result)
    }

    /// Reads a datagram once the handshake is over. What the peer may send then is its last flight again, which is
    /// answered, and an alert; data is for nobody, and is dropped.
    func read(_ datagram: UnsafeRawBufferPointer?) -> Outcome {
        take(datagram)
        return withUnsafeTemporaryAllocation(byteCount: DTLSSession.largestReceived, alignment: 1) { buffer in
            while true {
                let result = SSL_read(ssl, buffer.baseAddress, Int32(buffer.count))
                if result <= 0 { return outcome(result) }
            }
        }
    }

    /// Tells the peer that the session ends.
    func shutDown() {
        ERR_clear_error()
        SSL_alloc_buffers(ssl)
        SSL_shutdown(ssl)
    }

    /// Retransmits what is due; false where that was done too often.
    func handleTimeout() -> Bool {
        ERR_clear_error()
        return millrace_dtls_handle_timeout(ssl) >= 0
    }

    /// In what time a retransmission is due, by OpenSSL's own clock; nil for never.
    var timeout: Duration? {
        let microseconds = millrace_dtls_timeout(ssl)
        return microseconds < 0 ? nil : .microseconds(microseconds)
    }

    /// The keys of a handshake that is over; nil where the peer knew no profile.
    func exportKeys() -> SRTPKeys? {
        guard let selected = SSL_get_selected_srtp_profile(ssl),
            let profile = SRTPProfile.allCases.first(where: { $0.number == selected.pointee.id })
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: SRTPKeys.exportedSize(profile))
        let label = "EXTRACTOR-dtls_srtp"
        let result = SSL_export_keying_material(ssl, &bytes, bytes.count, label, label.utf8.count, nil, 0, 0)
        precondition(result == 1, "OpenSSL exports no keys")
        return SRTPKeys(profile: profile, exported: bytes, isClient: SSL_is_server(ssl) == 0)
    }

    /// Gives back the record buffers, 34 KB, until the next datagram.
    func trim() { SSL_free_buffers(ssl) }

    /// What is needed of a session that is connected once this is let go.
    func closure() -> DTLSClosure {
        shutDown()
        var secret = [UInt8](repeating: 0, count: Int(SSL_MAX_MASTER_KEY_LENGTH))
        var (server, client) = ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 32))
        let isComplete =
            SSL_SESSION_get_master_key(SSL_get_session(ssl), &secret, secret.count) == secret.count
            && SSL_get_server_random(ssl, &server, 32) == 32 && SSL_get_client_random(ssl, &client, 32) == 32
        precondition(isComplete, "OpenSSL gives no secret")
        return DTLSClosure(
            notice: Array(takeOutput().joined()), secret: secret, randoms: server + client,
            isClient: SSL_is_server(ssl) == 0)
    }

    /// What OpenSSL wants to send, as datagrams.
    func takeOutput() -> [[UInt8]] {
        let count = BIO_ctrl_pending(output)
        guard count > 0 else { return [] }
        let records = [UInt8](unsafeUninitializedCapacity: count) { bytes, length in
            length = max(0, Int(BIO_read(output, bytes.baseAddress, Int32(truncatingIfNeeded: count))))
        }
        return DTLSRecords.datagrams(records, limit: DTLSSession.largestSent)
    }

    private func take(_ datagram: UnsafeRawBufferPointer?) {
        ERR_clear_error()
        SSL_alloc_buffers(ssl)
        guard let datagram, !datagram.isEmpty else { return }
        let written = BIO_write(input, datagram.baseAddress, Int32(truncatingIfNeeded: datagram.count))
        precondition(written == datagram.count, "no memory for a datagram")
    }

    private func outcome(_ result: Int32) -> Outcome {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wantsMore
        case SSL_ERROR_ZERO_RETURN: return .closed
        default: break
        }
        if SSL_get_verify_result(ssl) == Int(X509_V_ERR_CERT_REJECTED) { return .failed(.fingerprint) }
        return .failed(ERR_GET_REASON(ERR_peek_last_error()) > SSL_AD_REASON_OFFSET ? .alert : .handshake)
    }
}

/// How long to wait for an answer before the next retransmission, in microseconds: 50 ms, then twice as long each time up
/// to 800 ms. RFC 6347 §4.2.4.1 wants 1 s, and allows less where the application does; browsers wait 50 ms too.
private let retransmission: @convention(c) (OpaquePointer?, UInt32) -> UInt32 = { _, last in
    last == 0 ? 50_000 : min(last * 2, 800_000)
}
