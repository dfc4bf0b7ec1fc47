// SPDX-License-Identifier: Apache-2.0

/// The place of a Redis server or of a sentinel.
public struct RedisServer: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address.
    public let host: String
    /// The port.
    public let port: UInt16

    /// A server of its parts.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Parses `host`, `host:port` or `[address]:port`; nil for anything else.
    public init?(parsing text: some StringProtocol, defaultPort: UInt16) {
        let isBracketed = text.hasPrefix("[")
        let end = isBracketed ? text.firstIndex(of: "]") : text.lastIndex(of: ":") ?? text.endIndex
        guard let end else { return nil }
        let host = text[..<end].dropFirst(isBracketed ? 1 : 0)
        let rest = text[end...].dropFirst(isBracketed ? 1 : 0)
        let isName = host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
        let isAddress = isBracketed && host.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        guard !host.isEmpty, isName || isAddress else { return nil }
        guard !rest.isEmpty else {
            self.init(host: String(host), port: defaultPort)
            return
        }
        guard rest.first == ":", let port = UInt16(rest.dropFirst()), port != 0 else { return nil }
        self.init(host: String(host), port: port)
    }

    /// `host:port`, an address of IPv6 in brackets.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Where the server that takes writes is found.
public enum RedisPlace: Hashable, Sendable {
    /// Where it is known.
    case server(RedisServer)
    /// The sentinels know, by the name that they watch it under.
    case sentinels([RedisServer], master: String)
}
