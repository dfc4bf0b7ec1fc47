// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import GRPCCore
import Transport

/// Lets in who may control the node, as the HTTP API does: a trusted caller on this machine, or the bearer of a token.
/// Counts how calls end.
struct CallGuard: ServerInterceptor {
    let policy: AccessPolicy
    let metrics: PlainRTPMetrics

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next: @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        try check(request.metadata, context)
        do {
            let response = try await next(request, context)
            if case .failure = response.accepted { metrics.called(.failed) } else { metrics.called(.ok) }
            return response
        } catch {
            metrics.called(.failed)
            throw error
        }
    }

    private func check(_ metadata: Metadata, _ context: ServerContext) throws(RPCError) {
        var caller = Caller(isLoopback: Self.isLoopback(context.remotePeer))
        for (name, value) in metadata {
            if case .string(let text) = value { caller.note(header: name, value: text) }
        }
        let header = metadata[stringValues: "authorization"].first { _ in true }
        let token = header.flatMap { $0.lowercased().hasPrefix("bearer ") ? $0.dropFirst(7) : nil }
        switch policy.control(Self.role(for: context.descriptor), token: token, caller: caller, now: SystemClock.wall())
        {
        case .allow: return
        case .refuse(let refusal):
            metrics.called(.denied)
            if case .roleTooLow = refusal { throw RPCError(code: .permissionDenied, message: refusal.description) }
            throw RPCError(code: .unauthenticated, message: refusal.description)
        }
    }

    /// Reading is for readers; sessions and subscribers are made and ended as streams are.
    private static func role(for method: MethodDescriptor) -> ControlRole {
        ["Get", "List", "ServerReflection"].contains { method.method.hasPrefix($0) } ? .reader : .operator
    }

    /// Of `ipv4:127.0.0.1:50000` or `ipv6:[::1]:50000`.
    private static func isLoopback(_ peer: String) -> Bool {
        let parts = peer.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0] == "ipv4" || parts[0] == "ipv6" else { return false }
        guard let colon = parts[1].lastIndex(of: ":") else { return false }
        let host = parts[1][..<colon].drop { $0 == "[" }.prefix { $0 != "]" && $0 != "%" }
        return IPAddress(parsing: host).map { PeerAddress($0).isLoopback } ?? false
    }
}
