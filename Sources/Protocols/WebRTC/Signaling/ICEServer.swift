// SPDX-License-Identifier: Apache-2.0

/// A STUN or TURN server that a client is told of in a `Link` field, RFC 9725 §4.6.
public struct ICEServer: Hashable, Sendable {
    /// `stun:stun.example.net`, `turn:turn.example.net:3478?transport=udp` (RFC 7064, RFC 7065).
    public let url: String
    /// Of TURN.
    public let credentials: TURNCredentials?

    /// A server; nil where the URL is none of STUN or TURN, and where TURN lacks credentials.
    public init?(url: String, credentials: TURNCredentials? = nil) {
        let scheme = url.prefix { $0 != ":" }
        guard ["stun", "stuns", "turn", "turns"].contains(scheme), url.utf8.count > scheme.utf8.count + 1,
            url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }),
            scheme.hasPrefix("stun") || credentials != nil
        else { return nil }
        self.url = url
        self.credentials = credentials
    }

    /// The value of the field.
    public var link: String {
        var link = "<\(url)>; rel=\"ice-server\""
        if let credentials {
            link +=
                "; username=\(Self.quoted(credentials.username)); credential=\(Self.quoted(credentials.password))"
                + "; credential-type=\"password\""
        }
        return link
    }

    /// A quoted string, RFC 9110 §5.6.4.
    private static func quoted(_ text: String) -> String {
        "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
    }
}
