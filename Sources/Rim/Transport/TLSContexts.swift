// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
public import NIOCore
import NIOSSL
import Synchronization

/// The certificate of a node, as contexts for what it serves. Reloading changes what new connections get; a connection
/// that is there keeps the context it began with.
public final class TLSContexts: Sendable {
    /// What is spoken inside TLS.
    public enum Purpose: Sendable {
        /// HTTP: TLS 1.2 and 1.3, `h2` and `http/1.1` by ALPN (RFC 7301, RFC 9113 §3.2).
        case http
        /// RTMPS: TLS 1.2 only, no ALPN. TLS 1.3 servers send session tickets after the handshake, on which the mbed TLS
        /// of current OBS releases fails (Mbed-TLS#9415), and NIOSSL has no switch for tickets.
        case rtmp
    }

    private let files: TLSFiles
    private let state: Mutex<State>

    private struct State {
        var source: Source
        var http: NIOSSLContext
        var rtmp: NIOSSLContext
    }

    private struct Source: Equatable {
        var certificates: [UInt8]
        var key: [UInt8]
    }

    /// Reads the files; throws what is wrong with them.
    public init(_ files: TLSFiles) throws {
        self.files = files
        state = Mutex(try Self.contexts(from: try Self.read(files)))
    }

    /// Reads the files again, and takes them if they changed; returns whether they did. Throws, and keeps what it has,
    /// when they can not be used: a key that does not belong to the certificate, as happens between two renames.
    @discardableResult
    public func reload() throws -> Bool {
        let source = try Self.read(files)
        guard state.withLock({ $0.source != source }) else { return false }
        let fresh = try Self.contexts(from: source)
        state.withLock { $0 = fresh }
        return true
    }

    /// Puts TLS into the pipeline of a connection, with a handshake that ends in time or with the connection.
    public func secure(
        _ channel: any Channel, for purpose: Purpose, handshakeTimeout: Duration, observer: any TransportObserver
    ) throws {
        let context = state.withLock { purpose == .http ? $0.http : $0.rtmp }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(NIOSSLServerHandler(context: context))
        try pipeline.addHandler(HandshakeTimer(timeout: TimeAmount(handshakeTimeout), observer: observer))
    }

    private static func read(_ files: TLSFiles) throws -> Source {
        Source(
            certificates: [UInt8](try Data(contentsOf: URL(filePath: files.certificates))),
            key: [UInt8](try Data(contentsOf: URL(filePath: files.key)))
        )
    }

    private static func contexts(from source: Source) throws -> State {
        let chain = try NIOSSLCertificate.fromPEMBytes(source.certificates)
        let key = try NIOSSLPrivateKey(bytes: source.key, format: .pem)
        var settings = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)
        )
        settings.minimumTLSVersion = .tlsv12
        var http = settings
        http.applicationProtocols = ["h2", "http/1.1"]
        var rtmp = settings
        rtmp.maximumTLSVersion = .tlsv12
        return State(
            source: source, http: try NIOSSLContext(configuration: http), rtmp: try NIOSSLContext(configuration: rtmp)
        )
    }
}

/// Where the certificate and its key are, in PEM.
public struct TLSFiles: Sendable, Equatable {
    /// The path of the certificate chain, the node's own first.
    public var certificates: String
    /// The path of the private key.
    public var key: String

    /// Names the two files.
    public init(certificates: String, key: String) {
        self.certificates = certificates
        self.key = key
    }
}
