// SPDX-License-Identifier: Apache-2.0

extension SettingKey {
    static let plainRTP = [
        SettingKey(
            "rtp.enabled", \.rtp.enabled, .boolean,
            "Whether plain RTP is taken and forwarded, and its gRPC control listens.",
            why: "both stay on this machine until told otherwise."
        ),
        SettingKey(
            "rtp.host", \.rtp.host, .host, "The address at which RTP is received, and from which it is sent on.",
            why: "plain RTP is neither encrypted nor signed; whoever opens it to a network should know."
        ),
        SettingKey(
            "rtp.port", \.rtp.port, .integer(0...65_535), "The UDP port of RTP; 0 lets the kernel choose.",
            why: "RTP's registered port."
        ),
        SettingKey(
            "rtp.threads", \.rtp.threads, .integer(0...1024),
            "UDP threads at that port, between which the kernel spreads sources; 0 for one a processor.",
            why: "a thread without packets costs its memory only."
        ),
        SettingKey(
            "rtp.max_sessions", \.rtp.maximumSessions, .integer(1...1_000_000),
            "Sessions at once; beyond that RESOURCE_EXHAUSTED.", why: "each that is live holds 16 KiB a thread."
        ),
        SettingKey(
            "rtp.max_subscribers", \.rtp.maximumSubscribers, .integer(1...100_000),
            "Subscribers of one session that this node sends to; beyond that other nodes do, or RESOURCE_EXHAUSTED.",
            why: "1000 of 2 Mbit/s are more than most networks carry away."
        ),
        SettingKey(
            "rtp.max_branches", \.rtp.maximumBranches, .integer(0...1000),
            "Edges of the region that may send to a session's subscribers beyond that, the first of its ranking; 0 for none.",
            why: "each takes the session's packets over the relay once."
        ),
        SettingKey(
            "rtp.idle_timeout", \.rtp.idleTimeout, .duration(.seconds(1) ... .seconds(86_400)),
            "How long a session lives without a packet.", why: "a source that restarts is back in five minutes."
        ),
        SettingKey(
            "rtp.hold", \.rtp.hold, .duration(.zero ... .seconds(1)),
            "How long packets of video and data wait for others, to go out as one message; 0s sends each at once.",
            why: "the packets of a picture come within it; eight together cost the kernel a third of eight alone."
        ),
        SettingKey(
            "rtp.willing", \.rtp.willing, .prefixes,
            "Networks whose addresses receive without being asked; others must return a probe.",
            why: "nobody may aim the fan-out at a stranger; this machine is none."
        ),
    ]

    static let grpc = [
        SettingKey(
            "grpc.host", \.grpc.host, .host, "The address of the gRPC port, which controls plain RTP.",
            why: "control is for this machine until a token and a certificate are there."
        ),
        SettingKey(
            "grpc.port", \.grpc.port, .integer(0...65_535), "The gRPC port; 0 lets the kernel choose.",
            why: "where its clients look."
        ),
        SettingKey(
            "grpc.tls", \.grpc.secured, .boolean, "Whether the port speaks TLS, with http.tls.certificate.",
            why: "its clients speak plain text on one machine."
        ),
    ]
}
