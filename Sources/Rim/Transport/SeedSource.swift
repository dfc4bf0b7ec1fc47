// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Foundation
import NIOCore
import NIOPosix

/// Where the addresses of members to join by are found.
public enum SeedSource: Hashable, Sendable {
    /// A file of lines, each an address or a name, with or without a port; empty lines and those with `#` do not count. It
    /// is read anew whenever seeds are wanted.
    case file(String)
    /// An address, or a name that stands for all its addresses, such as a headless service of Kubernetes.
    case host(String, port: UInt16)
    /// A name with SRV records (RFC 2782), such as `_gossip._udp.example.org`.
    case service(String)

    /// Parses `host`, `host:port`, `[address]:port`, `srv:NAME` or `file:PATH`; nil for anything else.
    public init?(parsing text: String, defaultPort: UInt16) {
        if text.hasPrefix("srv:") {
            guard text.utf8.count > 4 else { return nil }
            self = .service(String(text.dropFirst(4)))
        } else if text.hasPrefix("file:") {
            guard text.utf8.count > 5 else { return nil }
            self = .file(String(text.dropFirst(5)))
        } else {
            guard let (host, port) = Self.hostAndPort(text) else { return nil }
            self = .host(host, port: port ?? defaultPort)
        }
    }

    /// All addresses of all sources, each once. What can not be found now is left out: whoever asks will ask again.
    public static func endpoints(of sources: [SeedSource], defaultPort: UInt16 = 7946) async -> [Endpoint] {
        guard !sources.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            NIOSingletons.posixBlockingThreadPool.submit { state in
                guard state == .active else { return continuation.resume(returning: []) }
                var found: [Endpoint] = []
                for source in sources {
                    for endpoint in source.look(defaultPort) where !found.contains(endpoint) { found.append(endpoint) }
                }
                continuation.resume(returning: found)
            }
        }
    }

    private func look(_ defaultPort: UInt16) -> [Endpoint] {
        switch self {
        case .file(let path):
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
            return text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { !$0.isEmpty && !$0.hasPrefix("#") && !$0.hasPrefix("file:") }
                .compactMap { SeedSource(parsing: $0, defaultPort: defaultPort) }.flatMap { $0.look(defaultPort) }
        case .host(let host, let port): return Resolver.addresses(of: host).map { Endpoint(address: $0, port: port) }
        case .service(let name):
            return Resolver.services(of: name).flatMap { service in
                Resolver.addresses(of: service.host).map { Endpoint(address: $0, port: service.port) }
            }
        }
    }

    private static func hostAndPort(_ text: String) -> (String, UInt16?)? {
        guard !text.isEmpty, !text.contains(where: { $0.isWhitespace || $0 == "/" }) else { return nil }
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[text.index(after: end)...]
            let port = rest.isEmpty ? nil : UInt16(rest.dropFirst())
            guard rest.isEmpty || rest.first == ":" && port != nil else { return nil }
            return (String(text[text.index(after: text.startIndex)..<end]), port)
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return parts[0].isEmpty ? nil : (text, nil) }
        guard let port = UInt16(parts[1]), !parts[0].isEmpty else { return nil }
        return (String(parts[0]), port)
    }
}
