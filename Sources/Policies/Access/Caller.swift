// SPDX-License-Identifier: Apache-2.0

/// What is known of a caller before it shows a token.
///
/// A local caller is a program on this machine that speaks for itself. Its peer address is loopback and nothing says
/// that it carries somebody else's wish: no Forwarded or X-Forwarded header, no PROXY protocol, no page of another
/// origin, no Host that is not this machine (a page whose name was rebound to 127.0.0.1 is stopped by that).
public struct Caller: Hashable, Sendable {
    /// The peer address of the connection is in 127.0.0.0/8 or is ::1.
    public let isLoopback: Bool
    /// It came through a proxy that said so.
    public private(set) var isForwarded: Bool
    /// It was sent by a page that is not ours.
    public private(set) var isForeignPage: Bool
    private let authority: String?

    /// A caller of whom no header is known yet.
    /// - Parameters:
    ///   - bearsProxyProtocol: the connection began with a PROXY protocol header.
    ///   - authority: the Host header or `:authority` of an HTTP request; nil where the protocol has none.
    public init(isLoopback: Bool, bearsProxyProtocol: Bool = false, authority: String? = nil) {
        self.isLoopback = isLoopback
        isForwarded = bearsProxyProtocol
        self.authority = authority?.lowercased()
        isForeignPage = authority.map { !Self.namesLoopback($0.lowercased()) } ?? false
    }

    /// Whether the caller is a program on this machine that speaks for itself.
    public var isLocal: Bool { isLoopback && !isForwarded && !isForeignPage }

    /// Takes note of one header of an HTTP request; headers of no interest change nothing.
    public mutating func note(header name: some StringProtocol, value: some StringProtocol) {
        let name = name.lowercased()
        switch name {
        case "forwarded", "via", "x-real-ip": isForwarded = true
        case "origin": isForeignPage = isForeignPage || !isOwnOrigin(value.lowercased())
        case "sec-fetch-site": isForeignPage = isForeignPage || !["same-origin", "none"].contains(value.lowercased())
        default: isForwarded = isForwarded || name.hasPrefix("x-forwarded")
        }
    }

    private func isOwnOrigin(_ origin: String) -> Bool {
        guard let authority else { return false }
        return origin == "http://" + authority || origin == "https://" + authority
    }

    private static func namesLoopback(_ authority: String) -> Bool {
        if authority.hasPrefix("[") { return authority == "[::1]" || authority.hasPrefix("[::1]:") }
        let host = authority.prefix { $0 != ":" }
        return host == "localhost" || isLoopbackAddress(host)
    }

    /// Four decimal numbers below 256, the first 127.
    private static func isLoopbackAddress(_ host: Substring) -> Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 4, numbers[0] == "127" else { return false }
        return numbers.allSatisfy { number in
            number.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt8(number) != nil
        }
    }
}
