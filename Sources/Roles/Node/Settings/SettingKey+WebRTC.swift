// SPDX-License-Identifier: Apache-2.0

import Cluster

extension SettingKey {
    static let webrtc = [
        SettingKey(
            "webrtc.enabled", \.webrtc.enabled, .boolean, "Whether publishers come by WHIP and viewers by WHEP.",
            why: "half a second behind live in every browser, without a plug-in."
        ),
        SettingKey(
            "webrtc.host", \.webrtc.host, .address, "The address of the UDP port.",
            why: ":: takes IPv6 and IPv4; on a machine without IPv6 the node takes 0.0.0.0 instead."
        ),
        SettingKey(
            "webrtc.port", \.webrtc.port, .integer(0...65_535),
            "The one UDP port of all sessions; 0 lets the kernel choose.",
            why: "one hole in a firewall, where others of its kind have it."
        ),
        SettingKey(
            "webrtc.tcp_port", \.webrtc.tcpPort, .integer(0...65_535),
            "A TCP port for clients whose networks let no UDP through (ICE over TCP); 0 for none.",
            why: "few need it, and a lost packet holds up all behind it; it may have the number of the UDP port."
        ),
        SettingKey(
            "webrtc.max_connections", \.webrtc.maximumConnections, .integer(1...1_000_000),
            "Connections at webrtc.tcp_port at once, those that have proven nothing yet with them.",
            why: "each may hold 2 MB that its client does not take."
        ),
        SettingKey(
            "webrtc.threads", \.webrtc.threads, .automaticInteger(1...64), "The threads that share the UDP port.",
            why: "auto is one a processor; sessions are spread over them by the kernel."
        ),
        SettingKey(
            "webrtc.public_addresses", \.webrtc.publicAddresses, .addresses,
            "The addresses at which clients reach the UDP port, the best first.",
            why: "empty names the machine's own; behind a NAT, or in a container, they are not the ones to reach it by."
        ),
        SettingKey(
            "webrtc.ice_servers", \.webrtc.iceServers, .list(of: "URLs as stun:HOST or turn:HOST?transport=udp"),
            "STUN and TURN servers that clients are told of.", why: "most viewers reach an open UDP port without."
        ),
        SettingKey(
            "webrtc.turn_secret", \.webrtc.turnSecret, .secret(minimumLength: 16),
            "The secret shared with the TURN servers (coturn's static-auth-secret); without it none is named to clients.",
            why: "credentials that everyone knows make a TURN server everyone's."
        ),
        SettingKey(
            "webrtc.turn_life", \.webrtc.turnLife, .duration(.seconds(60) ... .seconds(604_800)),
            "The life of a client's credentials for TURN.", why: "longer than anyone watches without a break."
        ),
        SettingKey(
            "webrtc.max_unconnected", \.webrtc.maximumUnconnected, .integer(1...1_000_000),
            "Sessions that were asked for and are not connected yet; the next get 503.",
            why: "80 joins a second that all take ten seconds; each may hold 41 KB."
        ),
        SettingKey(
            "webrtc.offers_per_address", \.webrtc.offersPerAddress, .integer(1...100_000),
            "Offers a second from one address, but for limits.trusted_addresses; the next get 429.",
            why: "an office behind one address, at the start of a show."
        ),
        SettingKey(
            "webrtc.connect_timeout", \.webrtc.connectTimeout, .duration(.seconds(1) ... .seconds(60)),
            "The time from the answer to the first check of connectivity.",
            why: "clients begin within a second; whoever never comes holds a place."
        ),
        SettingKey(
            "webrtc.consent_timeout", \.webrtc.consentTimeout, .duration(.seconds(5) ... .seconds(600)),
            "How long a client may give no sign of life.",
            why: "RFC 7675's: a phone that changes its network is back by then."
        ),
        SettingKey(
            "webrtc.random_access_interval", \.webrtc.randomAccessInterval,
            .duration(.milliseconds(500) ... .seconds(60)),
            "How old the last random access point of a publisher by WHIP gets before it is asked for another.",
            why: "browsers send none by themselves, and segments of two seconds begin at them."
        ),
        SettingKey(
            "webrtc.transcoder", \.webrtc.transcoder, .optionalText("the name or path of a program"),
            "The ffmpeg that makes Opus of AAC for WHEP viewers; empty for none: they get pictures only.",
            why: "no browser takes AAC over WebRTC, and RTMP brings little else; one process a stream watched so."
        ),
        SettingKey(
            "webrtc.transcoders", \.webrtc.transcoders, .integer(0...10_000),
            "How many streams' sound is made Opus at a time; viewers of others get pictures only.",
            why: "each takes about a hundredth of a core and 40 MB of memory, and whoever may watch can ask for one."
        ),
    ]
}

extension SettingType<Int?> {
    /// An integer, or the word `auto` for nil.
    static func automaticInteger(_ range: ClosedRange<Int>) -> Self {
        let type = SettingType<Int>.integer(range)
        return SettingType(
            allowed: "auto, or \(type.allowed)",
            parse: { $0 == "auto" ? .some(.none) : type.parse($0).map(Optional.some) },
            render: { $0.map(type.render) ?? "auto" }
        )
    }
}

extension SettingType<String> {
    /// An IP address.
    static var address: Self {
        SettingType(
            allowed: "an IPv4 or IPv6 address", parse: { IPAddress(parsing: $0) == nil ? nil : $0 },
            render: { $0.contains(":") ? "\"\($0)\"" : $0 }
        )
    }
}

extension SettingType<[String]> {
    /// IP addresses.
    static var addresses: Self {
        let type = list(of: "IPv4 and IPv6 addresses, or empty for none")
        return SettingType(
            allowed: type.allowed,
            parse: { text in
                guard let words = type.parse(text), words.allSatisfy({ IPAddress(parsing: $0) != nil }) else {
                    return nil
                }
                return words
            },
            render: { "[\($0.map { "\"\($0)\"" }.joined(separator: ", "))]" }, isList: true
        )
    }
}
