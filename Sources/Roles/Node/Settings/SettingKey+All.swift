// SPDX-License-Identifier: Apache-2.0

import Bytes

extension SettingKey {
    /// Every setting there is, in the order of `millrace.yml`.
    public static let all: [SettingKey] =
        log + identity + http + rtmp + publisher + limits + hls + play + webrtc + access + page + cluster + redis
        + router
        + plainRTP + grpc + storage + dvr + cdn + tracing
        + shutdown

    private static let log = [
        SettingKey(
            "log.level", \.log.level, .choice, "The lowest level that is written.",
            why: "info tells of starts, ends and publishers; nothing at info or above is written per request or packet."
        ),
        SettingKey(
            "log.format", \.log.format, .choice, "How a record is written; auto is text on a terminal, JSON otherwise.",
            why: "people read terminals, machines read everything else."
        ),
    ]

    private static let http = [
        SettingKey(
            "http.host", \.http.host, .host, "The address of the HTTP port.",
            why: ":: takes IPv6 and IPv4; on a machine without IPv6 the node takes 0.0.0.0 instead."
        ),
        SettingKey(
            "http.port", \.http.port, .integer(0...65_535),
            "The port of media, page, API and metrics; 0 lets the kernel choose.",
            why: "needs no privilege and is where viewers of such servers look."
        ),
        SettingKey(
            "http.tls.certificate", \.http.tls.certificate, .optionalText("a PEM file with the certificate chain"),
            "Turns HTTPS and RTMPS on; a changed file is read again without dropping anyone.",
            why: "there is no certificate that would suit everyone."
        ),
        SettingKey(
            "http.tls.key", \.http.tls.key, .optionalText("a PEM file with the private key"),
            "The private key of http.tls.certificate.", why: "goes with the certificate."
        ),
        SettingKey(
            "http.max_connections", \.http.maximumConnections, .integer(1...1_000_000),
            "HTTP connections at once; those beyond are closed at once.",
            why: "room for as many connections as limits.viewers allows viewers."
        ),
        SettingKey(
            "http.head_timeout", \.http.headTimeout, .duration(.milliseconds(100) ... .seconds(60)),
            "The time from the first byte of a request's head to its last.",
            why: "a phone on a poor network needs one, a peer that sends a byte a second gets no more."
        ),
        SettingKey(
            "http.max_head", \.http.maximumHead, .byteCount(.kibibytes(1) ... .mebibytes(1)),
            "The size of a request's head; a larger one is answered 431.",
            why: "twice what common servers take, so that no browser's cookies meet it."
        ),
        SettingKey(
            "http.idle_timeout", \.http.idleTimeout, .duration(.seconds(1) ... .seconds(3600)),
            "Silence between requests after which a connection is closed.",
            why: "longer than any player's wait between two playlists."
        ),
        SettingKey(
            "http.stall_timeout", \.http.stallTimeout, .duration(.seconds(1) ... .seconds(600)),
            "How long an answer may wait for a peer that takes no byte of it.",
            why: "a phone that changes its network is back within ten seconds; what it blocks is memory."
        ),
    ]

    private static let rtmp = [
        SettingKey(
            "rtmp.host", \.rtmp.host, .host, "The address of the RTMP ports.",
            why: ":: takes IPv6 and IPv4; on a machine without IPv6 the node takes 0.0.0.0 instead."
        ),
        SettingKey(
            "rtmp.port", \.rtmp.port, .integer(0...65_535),
            "The port of publishers and RTMP viewers; 0 lets the kernel choose.", why: "RTMP's registered port."
        ),
        SettingKey(
            "rtmp.tls_port", \.rtmp.tlsPort, .integer(0...65_535),
            "The port of RTMPS, used when http.tls.certificate is set; 0 for none.",
            why: "next to 1935 and, unlike 443, without privilege."
        ),
        SettingKey(
            "rtmp.max_connections", \.rtmp.maximumConnections, .integer(1...1_000_000),
            "Connections of each RTMP port at once; those beyond are closed at once.",
            why: "twice publisher.max, for encoders that return before their old connection is noticed and for viewers."
        ),
        SettingKey(
            "rtmp.max_message", \.rtmp.maximumMessage, .byteCount(.kibibytes(64) ... .mebibytes(16)),
            "The size of one message; a larger one ends the connection.",
            why: "a random access point of 50 Mbit/s video fits several times; the protocol itself ends at 16 MiB."
        ),
        SettingKey(
            "rtmp.max_chunk_streams", \.rtmp.maximumChunkStreams, .integer(4...65_597),
            "Chunk streams of one connection.", why: "encoders use fewer than ten; each costs a message's memory."
        ),
        SettingKey(
            "rtmp.amf_depth", \.rtmp.amfDepth, .integer(4...64), "Objects within objects in a command.",
            why: "real commands have three; a bound keeps a hostile one off the stack."
        ),
        SettingKey(
            "rtmp.handshake_timeout", \.rtmp.handshakeTimeout, .duration(.milliseconds(100) ... .seconds(60)),
            "The time from accept to the end of the handshake.", why: "three exchanges, also over a satellite."
        ),
        SettingKey(
            "rtmp.command_timeout", \.rtmp.commandTimeout, .duration(.seconds(1) ... .seconds(60)),
            "The time from the handshake, or from the end of a stream, to the next publish or play.",
            why: "encoders ask within a second; whoever asks for nothing holds a connection."
        ),
        SettingKey(
            "rtmp.idle_timeout", \.rtmp.idleTimeout, .duration(.seconds(1) ... .seconds(600)),
            "How long a publisher may send no audio, video or data before it is taken for gone; viewers are pinged.",
            why: "as long as publisher.grace, so that a dead network is noticed before viewers run dry for long."
        ),
    ]

    private static let publisher = [
        SettingKey(
            "publisher.grace", \.publisher.grace, .duration(.zero ... .seconds(600)),
            "How long a stream waits for its publisher to return before it ends.",
            why: "an encoder that restarts is back in ten seconds; OBS tries again every two to ten."
        ),
        SettingKey(
            "publisher.takeover", \.publisher.takeover, .choice,
            "Whether a publisher with another token on a live name is refused or replaces the first.",
            why: "a name that is live can not be stolen; the same token always replaces itself."
        ),
        SettingKey(
            "publisher.random_access_timeout", \.publisher.randomAccessTimeout,
            .duration(.seconds(1) ... .seconds(600)),
            "How long video may come without a random access point before the publish ends.",
            why: "twice the longest group of pictures that encoders make by default."
        ),
        SettingKey(
            "publisher.max", \.publisher.maximum, .integer(1...100_000), "Publishers of the node.",
            why: "what two cores package, with room."
        ),
    ]

    private static let limits = [
        SettingKey(
            "limits.connections_per_address", \.limits.connectionsPerAddress, .integer(1...100_000),
            "New connections a second from one address, on each port.",
            why: "a household behind one address opens a few; a flood opens thousands."
        ),
        SettingKey(
            "limits.trusted_addresses", \.limits.trustedAddresses, .prefixes,
            "Addresses and prefixes that limits.connections_per_address does not count; every other limit holds for them.",
            why:
                "behind a reverse proxy or a load test of this machine all share its address; a flood from here is ours."
        ),
        SettingKey(
            "limits.viewers", \.limits.viewers, .integer(1...10_000_000), "Viewers of the node; the next get 503.",
            why: "10 Gbit/s at 500 kbit/s each."
        ),
        SettingKey(
            "limits.streams", \.limits.streams, .integer(1...100_000), "Live streams of the node.",
            why: "as many as publisher.max allows publishers."
        ),
    ]

    private static let hls = [
        SettingKey(
            "hls.profile", \.hls.profile, .choice, "The set of segment and part targets.",
            why: "default is 1.7 s behind live, low-latency (parts of 200 ms) 0.9 s at twice the requests, apple "
                + "(4 s and 1 s) what Apple recommends."
        ),
        SettingKey(
            "hls.segment", \.hls.segment, .automaticDuration(.seconds(1) ... .seconds(10)),
            "The segment target; a segment ends at the first random access point from there on.",
            why: "auto is the profile's: 2s, 2s and 4s."
        ),
        SettingKey(
            "hls.part", \.hls.part, .automaticDuration(.milliseconds(100) ... .seconds(2)),
            "The part target, the longest that a part may be.", why: "auto is the profile's: 500ms, 200ms and 1s."
        ),
        SettingKey(
            "hls.window", \.hls.window, .integer(3...100), "Whole segments in a playlist.",
            why: "a player that lost its network for half a minute finds its place again."
        ),
    ]

    private static let play = [
        SettingKey(
            "play.max_lag", \.play.maximumLag, .duration(.milliseconds(500) ... .seconds(30)),
            "How far an FLV or RTMP viewer may fall behind before it loses whole groups of pictures.",
            why: "one group of pictures of a stream made for live."
        ),
        SettingKey(
            "play.stall_limit", \.play.stallLimit, .duration(.seconds(1) ... .seconds(600)),
            "How long an FLV or RTMP viewer may take nothing before it is let go.",
            why: "a network that is gone for longer has ended the player's patience too."
        ),
    ]

    private static let access = [
        SettingKey(
            "access.secret", \.access.secret, .secret(minimumLength: 32),
            "The key that signs tokens; the nodes of a cluster share it.",
            why:
                "empty takes one that comes of cluster.key, whose holders are then admins; a node alone makes one at "
                + "start, and tokens end with the process."
        ),
        SettingKey(
            "access.trust_loopback", \.access.trustLoopback, .boolean,
            "Whether a caller from this machine, not forwarded by a proxy, may publish and control without a token.",
            why: "so that the first try needs no token; switch it off where others share the machine."
        ),
        SettingKey(
            "access.publish", \.access.publish, .choice, "Whether publishing needs a token.",
            why: "an open port on the Internet is found within hours."
        ),
        SettingKey(
            "access.viewer_apps", \.access.viewerApps, .list(of: "apps"), "The apps whose viewers need a token.",
            why: "most streams are public."
        ),
        SettingKey(
            "access.token_linger", \.access.tokenLinger, .duration(.zero ... .seconds(86_400)),
            "How long requests for media go on after a viewer token expired.",
            why: "whoever began to watch in time may watch on; expiry is checked on the multivariant playlist."
        ),
        SettingKey(
            "access.publish_token_life", \.access.publishTokenLife, .duration(.seconds(1) ... .seconds(31_536_000)),
            "The life of a publish token for which no other was asked.", why: "time to set up an encoder."
        ),
        SettingKey(
            "access.publish_token_life_max", \.access.publishTokenLifeMaximum,
            .duration(.seconds(1) ... .seconds(31_536_000)), "The longest life that may be asked for.",
            why: "a lost token is worthless the next day."
        ),
        SettingKey(
            "access.metrics_addresses", \.access.metricsAddresses, .prefixes,
            "Addresses and prefixes that may read /metrics; all others get 404, and so does what a proxy forwards.",
            why: "it takes no token and tells how busy the node is; Prometheus stands here or in a private network."
        ),
    ]

    private static let page = [
        SettingKey(
            "page.enabled", \.page.enabled, .boolean, "Whether / and /watch/ are served.",
            why: "the first thing one wants to see."
        ),
        SettingKey(
            "page.hls_js", \.page.hlsScript, .optionalText("a file or an http(s) URL of hls.js"),
            "The script that plays low latency where the browser can not by itself.",
            why: "unset, ../share/millrace/hls.js beside the program or .tools/hls/hls.js of a checkout is taken; "
                + "without any the page uses the browser's own player, a few seconds further behind."
        ),
        SettingKey(
            "page.hls_js_integrity", \.page.hlsScriptIntegrity,
            .optionalText("sha256-, sha384- or sha512- and base64", isAllowed: isIntegrity),
            "What the script's hash must be; the browser refuses another.", why: "goes with page.hls_js."
        ),
    ]

    private static let shutdown = [
        SettingKey(
            "shutdown.timeout", \.shutdown.timeout, .duration(.milliseconds(100) ... .seconds(60)),
            "The time from SIGTERM to the end: publishers are told, playlists are closed.",
            why: "shorter than the ten seconds after which container runtimes kill."
        )
    ]

    @Sendable private static func isIntegrity(_ text: String) -> Bool {
        let lengths = ["sha256": 44, "sha384": 64, "sha512": 88]
        let parts = text.split(separator: "-", maxSplits: 1)
        return parts.count == 2 && lengths[String(parts[0])] == parts[1].utf8.count
    }
}
