// SPDX-License-Identifier: Apache-2.0

public import Access
import GRPCCore
import GRPCNIOTransportHTTP2Posix
public import NIOPosix

/// The gRPC port: sessions of plain RTP, and reflection.
public final class ControlPort: Sendable {
    /// The port that is listened on.
    public let port: Int
    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let serving: Task<Void, any Error>

    /// Listens, with TLS where there is a certificate.
    public static func start(
        _ settings: ControlPortSettings, desk: FanoutDesk, policy: AccessPolicy, metrics: PlainRTPMetrics,
        on group: MultiThreadedEventLoopGroup
    ) async throws -> ControlPort {
        let address: GRPCNIOTransportHTTP2Posix.SocketAddress =
            settings.host.contains(":")
            ? .ipv6(host: settings.host, port: settings.port) : .ipv4(host: settings.host, port: settings.port)
        let transport = HTTP2ServerTransport.Posix(
            address: address, transportSecurity: security(settings),
            config: .defaults { $0.rpc.maxRequestPayloadSize = 65_536 },
            eventLoopGroup: group)
        let server = GRPCServer(
            transport: transport, services: [SessionService(desk: desk), try ReflectionService()],
            interceptors: [CallGuard(policy: policy, metrics: metrics)])
        let serving = Task { try await server.serve() }
        do {
            let bound = try await transport.listeningAddress
            return ControlPort(port: bound.ipv4?.port ?? bound.ipv6?.port ?? 0, server: server, serving: serving)
        } catch {
            // Why it does not listen is said by `serve`.
            try await serving.value
            throw error
        }
    }

    /// Takes no more calls, and returns when those that run are over, which they are when `grace` is.
    public func stop(within grace: Duration) async {
        server.beginGracefulShutdown()
        let limit = Task {
            try await Task.sleep(for: grace)
            serving.cancel()
        }
        _ = try? await serving.value
        limit.cancel()
    }

    private init(port: Int, server: GRPCServer<HTTP2ServerTransport.Posix>, serving: Task<Void, any Error>) {
        self.port = port
        self.server = server
        self.serving = serving
    }

    private static func security(_ settings: ControlPortSettings) -> HTTP2ServerTransport.Posix.TransportSecurity {
        guard let files = settings.files else { return .plaintext }
        return .tls(
            certificateChain: [.file(path: files.certificate, format: .pem)],
            privateKey: .file(path: files.key, format: .pem))
    }
}

/// Where the gRPC port listens.
public struct ControlPortSettings: Sendable, Hashable {
    /// The address.
    public var host: String
    /// The port; 0 lets the kernel choose.
    public var port: Int
    /// PEM files of the certificate chain and its key; without them the port speaks plain text.
    public var files: Files?

    /// Settings of their parts.
    public init(host: String, port: Int, files: Files?) {
        self.host = host
        self.port = port
        self.files = files
    }

    /// Where a certificate is.
    public struct Files: Sendable, Hashable {
        /// The chain, the server's own first.
        public let certificate: String
        /// Its private key.
        public let key: String

        /// Of two paths.
        public init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }
}
