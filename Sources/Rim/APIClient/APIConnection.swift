// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Glibc

/// Whom a request over HTTPS believes to be the node.
public enum APITrust: Hashable, Sendable {
    /// Who shows a certificate of the host's name that an authority known to this machine signed.
    case system
    /// The same, by the certificates of a PEM file; a node's own certificate may be among them.
    case file(String)
    /// Whoever answers. What is said can be read and changed on the way.
    case anybody
}

/// The connection of one request: a socket, and TLS over it where that is wanted. Blocks its thread, for each wait at most as
/// long as the socket's own limits say.
final class APIConnection {
    private let descriptor: Int32
    private var tls: OpaquePointer?

    /// Takes a connected socket, and closes it in the end.
    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        SSL_free(tls)
        close(descriptor)
    }

    /// Shakes hands (TLS 1.2 or later); throws `untrusted` where the other end is not who it should be.
    func secure(for host: String, by trust: APITrust) throws(APIFailure) {
        // OpenSSL writes without MSG_NOSIGNAL.
        signal(SIGPIPE, SIG_IGN)
        guard let context = millrace_tls_client() else { throw .untrusted("no memory") }
        defer { SSL_CTX_free(context) }
        switch trust {
        case .system: SSL_CTX_set_default_verify_paths(context)
        case .file(let path):
            guard SSL_CTX_load_verify_file(context, path) == 1 else {
                throw .untrusted("\(path) has no certificates that could be read")
            }
        case .anybody: break
        }
        guard let session = SSL_new(context) else { throw .untrusted("no memory") }
        tls = session
        if trust != .anybody {
            SSL_set_verify(session, SSL_VERIFY_PEER, nil)
            let rules = SSL_get0_param(session)
            X509_VERIFY_PARAM_set_flags(rules, UInt(X509_V_FLAG_PARTIAL_CHAIN))
            // An address is compared with addresses of the certificate, anything else with its names (RFC 9110 §4.3.4, .5).
            if X509_VERIFY_PARAM_set1_ip_asc(rules, host) != 1 { SSL_set1_host(session, host) }
        }
        millrace_tls_name(session, host)
        SSL_set_fd(session, descriptor)
        guard SSL_connect(session) == 1 else { throw failure(of: session) }
    }

    func write(_ bytes: [UInt8]) throws(APIFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                tls.map { Int(SSL_write($0, buffer.baseAddress, Int32(clamping: buffer.count))) }
                    ?? send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 || isInterrupted else { throw .noAnswer }
            rest = rest.dropFirst(max(0, count))
        }
    }

    /// All that comes until the other end closes.
    func readAll(within timeout: Duration) throws(APIFailure) -> [UInt8] {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(into: &block)
            if count == 0 { return bytes }
            guard count > 0 || isInterrupted, clock.now < deadline else { throw .noAnswer }
            bytes += block.prefix(max(0, count))
            guard bytes.count <= Self.maximumAnswer else { throw .tooLong }
        }
    }

    /// How many bytes came; 0 at the end, -1 where nothing came in time.
    private func read(into block: inout [UInt8]) -> Int {
        guard let tls else { return recv(descriptor, &block, block.count, 0) }
        let count = SSL_read(tls, &block, Int32(block.count))
        if count > 0 { return Int(count) }
        return SSL_get_error(tls, count) == SSL_ERROR_ZERO_RETURN ? 0 : -1
    }

    /// Whether a call failed for a signal alone; OpenSSL calls again by itself.
    private var isInterrupted: Bool { tls == nil && errno == EINTR }

    private func failure(of session: OpaquePointer) -> APIFailure {
        let verdict = SSL_get_verify_result(session)
        if verdict != Int(X509_V_OK) { return .untrusted(String(cString: X509_verify_cert_error_string(verdict))) }
        return errno == EAGAIN ? .noAnswer : .notSecured
    }

    private static let maximumAnswer = 16 << 20
}
