// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// What the DTLS sessions of one thread share: the certificate, its key, and what is offered. DTLS 1.2 only, as OpenSSL
/// has no 1.3; AES-128-GCM with an ephemeral key on X25519 or P-256 (RFC 8827 §6.5); both SRTP profiles, AES-GCM first.
public final class DTLSContext {
    /// Who this node is to the peers.
    public let identity: DTLSIdentity
    let pointer: OpaquePointer

    /// A context of an identity.
    public convenience init(_ identity: DTLSIdentity) { self.init(identity, profiles: SRTPProfile.allCases) }

    /// A context that knows some profiles only, the first preferred, as some peers do.
    package init(_ identity: DTLSIdentity, profiles: [SRTPProfile]) {
        guard let pointer = SSL_CTX_new(DTLS_method()) else { preconditionFailure("no memory for a DTLS context") }
        self.identity = identity
        self.pointer = pointer
        let names = profiles.map(\.name).joined(separator: ":")
        let isMade =
            millrace_dtls_set_up(pointer, Self.longestChain) == 1
            && SSL_CTX_set_cipher_list(pointer, Self.ciphers) == 1
            && SSL_CTX_use_certificate_ASN1(pointer, Int32(identity.certificate.count), identity.certificate) == 1
            && SSL_CTX_use_PrivateKey_ASN1(
                EVP_PKEY_EC, pointer, identity.privateKey, identity.privateKey.count) == 1
            // This one says 0 where it did what it should.
            && (profiles.isEmpty || SSL_CTX_set_tlsext_use_srtp(pointer, names) == 0)
        precondition(isMade, "OpenSSL makes no DTLS context")
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        SSL_CTX_set_cert_verify_callback(pointer, verify, nil)
    }

    deinit { SSL_CTX_free(pointer) }

    /// The second for a peer that is the DTLS server and has a certificate of RSA.
    private static let ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
    /// How long a peer's certificates may be together, in bytes; a self-signed one has 300 to 1400.
    private static let longestChain = 8192
}

/// Believes a certificate whose hash is what the session expects, and no other; it is compared in constant time. Chains,
/// names and dates say nothing here (RFC 8827 §6.5).
private let verify: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { store, _ in
    guard let store, let certificate = X509_STORE_CTX_get0_cert(store),
        let session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let expected = SSL_get_ex_data(OpaquePointer(session), DTLSEngine.expectedFingerprint)
    else { return 0 }
    var digest = [UInt8](repeating: 0, count: CertificateFingerprint.size)
    let isHashed = X509_digest(certificate, EVP_sha256(), &digest, nil) == 1
    let fits = isHashed && CRYPTO_memcmp(digest, expected, digest.count) == 0
    X509_STORE_CTX_set_error(store, fits ? X509_V_OK : X509_V_ERR_CERT_REJECTED)
    return fits ? 1 : 0
}
