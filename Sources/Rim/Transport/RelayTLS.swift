// SPDX-License-Identifier: Apache-2.0

public import NIOCore
import NIOSSL

/// TLS between nodes: by a key that all of them have (RFC 5489, ECDHE_PSK, with forward secrecy), or by certificates of
/// one authority, which both sides show.
public final class RelayTLS: Sendable {
    /// A key that both sides have.
    public struct SharedKey: Sendable {
        /// What it is called on the wire.
        public let id: String
        /// The key, 32 bytes.
        public let bytes: [UInt8]

        /// A key of its parts.
        public init(id: String, bytes: [UInt8]) {
            self.id = id
            self.bytes = bytes
        }
    }

    private let client: NIOSSLContext
    private let server: NIOSSLContext

    /// TLS by shared keys. `keys` is asked at every handshake, so that keys can be changed while connections go on: the
    /// first is offered, any is taken.
    public init(keys: @escaping @Sendable () -> [SharedKey]) throws {
        var base = TLSConfiguration.makePreSharedKeyConfiguration()
        base.minimumTLSVersion = .tlsv12
        base.maximumTLSVersion = .tlsv12  // BoringSSL has no external keys in TLS 1.3
        base.cipherSuiteValues = [NIOTLSCipher(rawValue: 0xCCAC)]  // ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256, RFC 7905
        base.pskHint = Self.hint
        var client = base
        client.pskClientProvider = { _ in
            guard let key = keys().first else { throw NIOSSLError.handshakeFailed(.noError) }
            return PSKClientIdentityResponse(key: Self.secure(key.bytes), identity: key.id)
        }
        var server = base
        server.pskServerProvider = { context in
            guard let key = keys().first(where: { $0.id == context.clientIdentity }) else {
                throw NIOSSLError.handshakeFailed(.noError)
            }
            return PSKServerIdentityResponse(key: Self.secure(key.bytes))
        }
        self.client = try NIOSSLContext(configuration: client)
        self.server = try NIOSSLContext(configuration: server)
    }

    /// TLS 1.3 by certificates: each side shows its own, which `authority`, a PEM file, must have signed. Names are not
    /// compared: whoever the authority signed is a node.
    public init(_ files: TLSFiles, authority: String) throws {
        let chain = try NIOSSLCertificate.fromPEMFile(files.certificates).map {
            NIOSSLCertificateSource.certificate($0)
        }
        let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        server.trustRoots = .file(authority)
        server.certificateVerification = .noHostnameVerification
        server.minimumTLSVersion = .tlsv13
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = chain
        client.privateKey = key
        client.trustRoots = .file(authority)
        client.certificateVerification = .noHostnameVerification
        client.minimumTLSVersion = .tlsv13
        self.client = try NIOSSLContext(configuration: client)
        self.server = try NIOSSLContext(configuration: server)
    }

    /// Puts TLS into the pipeline of a connection that was accepted, with a handshake that ends in time or with it.
    public func accept(_ channel: any Channel, observer: any TransportObserver) throws {
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: server))
        try channel.pipeline.syncOperations.addHandler(
            HandshakeTimer(timeout: Self.handshakeTimeout, observer: observer))
    }

    /// Puts TLS into the pipeline of a connection that was opened.
    public func connect(_ channel: any Channel, observer: any TransportObserver) throws {
        try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: client, serverHostname: nil))
        try channel.pipeline.syncOperations.addHandler(
            HandshakeTimer(timeout: Self.handshakeTimeout, observer: observer))
    }

    private static func secure(_ bytes: [UInt8]) -> NIOSSLSecureBytes {
        var secure = NIOSSLSecureBytes()
        secure.append(bytes)
        return secure
    }

    private static let hint = "millrace"
    private static let handshakeTimeout: TimeAmount = .seconds(3)
}
