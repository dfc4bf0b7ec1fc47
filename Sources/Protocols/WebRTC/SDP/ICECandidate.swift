// SPDX-License-Identifier: Apache-2.0

public import Cluster

/// An address at which a party may be reached: `a=candidate`, RFC 8839 §5.1. Of the first component, as RTP and RTCP
/// share it.
public struct ICECandidate: Hashable, Sendable {
    /// How the address was found.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// An address of the party's own.
        case host
        /// Seen by the other party.
        case peerReflexive = "prflx"
        /// Of a relay.
        case relayed = "relay"
        /// Seen by a STUN server.
        case serverReflexive = "srflx"
    }

    /// Which end opens a connection of TCP, RFC 6544 §4.5.
    public enum Opening: String, Hashable, Sendable, CaseIterable {
        /// The writer.
        case active
        /// The reader.
        case passive
        /// Both at once.
        case simultaneous = "so"
    }

    /// Candidates of one foundation are found in one way: 1 to 32 characters.
    public var foundation: String
    /// The higher the better.
    public var priority: UInt32
    /// What carries the packets, and for TCP, which end opens it.
    public var transport: ICETransport
    /// Who opens the connection; nil for UDP.
    public var opening: Opening?
    /// The address.
    public var endpoint: Endpoint
    /// How it was found.
    public var kind: Kind
    /// The address behind it.
    public var related: Endpoint?

    /// A candidate of its parts.
    public init(
        foundation: String, priority: UInt32, transport: ICETransport = .udp, opening: Opening? = nil,
        endpoint: Endpoint, kind: Kind = .host, related: Endpoint? = nil
    ) {
        self.foundation = foundation
        self.priority = priority
        self.transport = transport
        self.opening = opening
        self.endpoint = endpoint
        self.kind = kind
        self.related = related
    }
}

extension ICECandidate {
    /// The candidates of a server that listens on `udp` and, where ICE over TCP is on, on `tcp`, its favourites first:
    /// UDP before TCP, and the local preferences in order (RFC 8445 §5.1.2, RFC 6544 §4.2).
    public static func hosts(udp: [Endpoint], tcp: [Endpoint] = []) -> [ICECandidate] {
        udp.enumerated().map { index, endpoint in
            ICECandidate(
                foundation: "u\(index)", priority: priority(localPreference: 0xFFFF - index), endpoint: endpoint)
        }
            + tcp.enumerated().map { index, endpoint in
                // The direction preference of a passive candidate is 4, in the upper three bits.
                ICECandidate(
                    foundation: "t\(index)", priority: priority(localPreference: 4 << 13 | (0x1FFF - index)),
                    transport: .tcp, opening: .passive, endpoint: endpoint)
            }
    }

    /// RFC 8445 §5.1.2.1 for the type preference of a host, 126, and the first component.
    private static func priority(localPreference: Int) -> UInt32 {
        126 << 24 | UInt32(truncatingIfNeeded: max(0, localPreference)) << 8 | 255
    }

    /// Reads what follows `candidate:`; nil for what we can not use, such as a name of mDNS.
    init?(parsing text: Substring) {
        let words = text.split(separator: " ")
        guard words.count >= 8, words[0].utf8.count <= 32, words[0].utf8.allSatisfy(isICECharacter), words[1] == "1",
            let transport = ICETransport(rawValue: words[2].lowercased()), let priority = UInt32(words[3]),
            let endpoint = Endpoint(address: words[4], port: words[5]), words[6] == "typ",
            let kind = Kind(rawValue: String(words[7]))
        else { return nil }
        self.init(
            foundation: String(words[0]), priority: priority, transport: transport, endpoint: endpoint, kind: kind)
        let named = Self.extensions(words[8...])
        if transport == .tcp { opening = named["tcptype"].flatMap { Opening(rawValue: String($0)) } }
        if let address = named["raddr"], let port = named["rport"] { related = Endpoint(address: address, port: port) }
    }

    private static func extensions(_ words: ArraySlice<Substring>) -> [Substring: Substring] {
        var named: [Substring: Substring] = [:]
        for index in stride(from: words.startIndex, to: words.endIndex - 1, by: 2) {
            named[words[index]] = words[index + 1]
        }
        return named
    }

    /// What follows `candidate:`.
    var text: String {
        var text =
            "\(foundation) 1 \(transport.rawValue) \(priority) \(endpoint.address) \(endpoint.port) typ "
            + kind.rawValue
        if let related { text += " raddr \(related.address) rport \(related.port)" }
        if transport == .tcp, let opening { text += " tcptype \(opening.rawValue)" }
        return text
    }
}

extension Endpoint {
    fileprivate init?(address: Substring, port: Substring) {
        guard let address = IPAddress(parsing: address), let port = UInt16(port) else { return nil }
        self.init(address: address, port: port)
    }
}
