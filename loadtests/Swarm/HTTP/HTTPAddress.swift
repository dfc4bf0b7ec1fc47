// SPDX-License-Identifier: Apache-2.0

/// Where an `http`, `https`, `rtmp` or `rtp` URL leads: a host, a port, and what is asked for there. No user, password or IPv6
/// zone.
public struct HTTPAddress: Hashable, Sendable {
    /// The name or address, IPv6 without brackets.
    public let host: String
    /// The port, the scheme's own where the URL has none.
    public let port: Int
    /// The path and the query, with its first slash.
    public let path: String
    /// Whether the server is spoken to over TLS: `https`.
    public let isSecure: Bool

    /// Parses `scheme://host[:port][/path]`; nil for anything else.
    public init?(_ url: String, scheme: String = "http") {
        let prefix = "\(scheme)://"
        guard url.hasPrefix(prefix), let usual = Self.ports[scheme] else { return nil }
        let rest = url.dropFirst(prefix.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let (host, port) = Self.split(rest[..<slash]), !host.isEmpty else { return nil }
        self.host = host
        self.port = port ?? usual
        path = slash == rest.endIndex ? "/" : String(rest[slash...])
        isSecure = scheme == "https"
    }

    /// Parses `http://…` or `https://…`; nil for anything else.
    public init?(web url: String) { self.init(url, scheme: url.hasPrefix("https://") ? "https" : "http") }

    /// Another path of the same server, with its first slash.
    public func at(_ path: String) -> HTTPAddress {
        HTTPAddress(host: host, port: port, path: path, isSecure: isSecure)
    }

    /// The same at another host, `host[:port]`; at this port where none is given, nil for what is no host.
    public func moved(to authority: String) -> HTTPAddress? {
        guard let (host, port) = Self.split(authority[...]), !host.isEmpty, !host.contains("/") else { return nil }
        return HTTPAddress(host: host, port: port ?? self.port, path: path, isSecure: isSecure)
    }

    private init(host: String, port: Int, path: String, isSecure: Bool) {
        self.host = host
        self.port = port
        self.path = path
        self.isSecure = isSecure
    }

    /// Whether another address is of the same server.
    public func isOfServer(of other: HTTPAddress) -> Bool {
        port == other.port && host == other.host && isSecure == other.isSecure
    }

    /// What stands in a request's `Host`.
    public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The path that a URI in a document at `base` leads to, RFC 3986 §5.2, on the same server; nil where it leads
    /// elsewhere.
    public func resolve(_ reference: String, base: String) -> String? {
        if let absolute = HTTPAddress(web: reference) { return isOfServer(of: absolute) ? absolute.path : nil }
        guard !reference.contains("://"), !reference.hasPrefix("//") else { return nil }
        if reference.hasPrefix("/") { return reference }
        let document = base.prefix { $0 != "?" }
        guard let slash = document.lastIndex(of: "/") else { return nil }
        guard reference.hasPrefix("../") || reference.hasPrefix("./") else { return document[...slash] + reference }
        return Self.climb(from: document[..<slash], reference)
    }

    /// Where the `Location` of an answer from here leads, on any server; nil where that is no URL of HTTP.
    public func following(_ location: String) -> HTTPAddress? {
        if let absolute = HTTPAddress(web: location) { return absolute }
        return resolve(location, base: path).map(at)
    }

    private static func climb(from folder: Substring, _ reference: String) -> String {
        var folder = folder
        var rest = reference[...]
        while true {
            if rest.hasPrefix("./") {
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix("../") {
                rest = rest.dropFirst(3)
                folder = folder.prefix(upTo: folder.lastIndex(of: "/") ?? folder.startIndex)
            } else {
                return folder + "/" + rest
            }
        }
    }

    private static func split(_ authority: Substring) -> (String, Int?)? {
        let end = authority.hasPrefix("[") ? authority.firstIndex(of: "]") : nil
        let host = end.map { authority[authority.index(after: authority.startIndex)..<$0] }
        let rest = end.map { authority[authority.index(after: $0)...] } ?? authority
        guard let colon = rest.lastIndex(of: ":") else { return (String(host ?? rest), nil) }
        guard let port = Int(rest[rest.index(after: colon)...]), (1...65535).contains(port) else { return nil }
        return (String(host ?? rest[..<colon]), port)
    }

    private static let ports = ["http": 80, "https": 443, "rtmp": 1935, "rtp": 5004]
}
