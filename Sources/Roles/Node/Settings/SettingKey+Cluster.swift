// SPDX-License-Identifier: Apache-2.0

import CMAF
import Cluster
import Identity

extension SettingKey {
    static let identity = [
        SettingKey(
            "roles", \.roles, .roles, "What this node does.",
            why: "one machine is a whole network; larger ones split the work."
        ),
        SettingKey(
            "node.name", \.node.name,
            .optionalText("1 to 63 letters, digits, dots, - and _", isAllowed: { NodeID(parsing: $0) != nil }),
            "The node's name, unique in its cluster.", why: "empty takes the host's name."
        ),
        SettingKey(
            "node.region", \.node.region, .plainName { Region(parsing: $0) != nil },
            "The region that the node stands in.",
            why: "one region needs no name."
        ),
        SettingKey(
            "node.zone", \.node.zone, .plainName { Zone(parsing: $0) != nil },
            "The part of the region that fails with the node; a standby is sought in another.",
            why: "one rack needs no name."
        ),
        SettingKey(
            "node.advertise", \.node.advertise, .optionalText("an IPv4 or IPv6 address", isAllowed: isAddress),
            "The address at which other nodes reach this one.",
            why: "empty takes the machine's first address that is not loopback."
        ),
        SettingKey(
            "node.viewer_url", \.node.viewerURL, .optionalText("an http or https URL", isAllowed: isURL("http")),
            "Where routers send viewers of this edge.", why: "empty takes the HTTP port at node.advertise."
        ),
        SettingKey(
            "node.publisher_url", \.node.publisherURL, .optionalText("an rtmp or rtmps URL", isAllowed: isURL("rtmp")),
            "Where routers send publishers of this origin.", why: "empty takes the RTMP port at node.advertise."
        ),
        SettingKey(
            "node.capacity", \.node.capacity, .integer(1...1_000_000),
            "What the node may send to viewers, in Mbit/s; its weight in every ranking.",
            why: "the port of the smallest rented machine."
        ),
    ]

    static let cluster = [
        SettingKey(
            "cluster.name", \.cluster.name, .plainName { Region(parsing: $0) != nil },
            "The name of the cluster; packets of others are counted and dropped.", why: "one cluster needs no name."
        ),
        SettingKey(
            "cluster.key", \.cluster.key, .clusterKey,
            "The key of the cluster; without one neither gossip nor relay listens.",
            why: "a cluster without a key could be joined by anybody; `openssl rand -hex 32` makes one."
        ),
        SettingKey(
            "cluster.seeds", \.cluster.seeds, .list(of: "host, host:port, srv:NAME or file:PATH"),
            "Members of this region to join by; a name stands for all its addresses.",
            why: "one node needs nobody; two of the others are enough, since the rest is heard from them."
        ),
        SettingKey(
            "cluster.remote_seeds", \.cluster.remoteSeeds, .list(of: "host, host:port, srv:NAME or file:PATH"),
            "Members of other regions to join by.", why: "one region needs nobody."
        ),
        SettingKey(
            "cluster.profile", \.cluster.profile, .choice, "How fast the death of a member is noticed.",
            why:
                "edge notices in about five seconds at 500 B/s a node, fast in two and a half at 700, lan in nine at 300."
        ),
        SettingKey(
            "cluster.linger", \.cluster.linger, .duration(.zero ... .seconds(3600)),
            "How long an edge goes on taking a stream whose last viewer has left.",
            why: "a viewer who reloads finds it still there; a longer wait costs traffic for nobody."
        ),
        SettingKey(
            "cluster.quorum", \.cluster.quorum, .integer(0...64),
            "How many origins must agree before one of them takes a stream, and live for one to go on with it, that one counted; 0 for no such rule.",
            why:
                "0 keeps both sides of a parted cluster live, each with its own publishers; more than half of the origins lets only one side have streams."
        ),
        SettingKey(
            "cluster.packaging", \.cluster.packaging,
            .integer(Int(Packaging.supported.lowerBound)...Int(Packaging.newest)),
            "The highest version of the byte writer that this node writes and takes from others.",
            why:
                "the newest; set the one before while you may still go back to a program that knows no more than that."
        ),
        SettingKey(
            "cluster.checked_one_in", \.cluster.checkedOneIn, .integer(1...1024),
            "Of how many segments that come over the relay one is compared with the hash that its gateway gave it.",
            why: "hashing all would cost an edge as much as serving them; a writer that is wrong is wrong often."
        ),
        SettingKey(
            "gossip.host", \.cluster.gossip.host, .host, "The address of the gossip port, UDP and TCP.",
            why: ":: takes IPv6 and IPv4; on a machine without IPv6 the node takes 0.0.0.0 instead."
        ),
        SettingKey(
            "gossip.port", \.cluster.gossip.port, .integer(0...65_535), "The port of gossip; 0 lets the kernel choose.",
            why: "where such protocols are looked for."
        ),
        SettingKey(
            "relay.host", \.cluster.relay.host, .host, "The address of the relay port.",
            why: ":: takes IPv6 and IPv4; on a machine without IPv6 the node takes 0.0.0.0 instead."
        ),
        SettingKey(
            "relay.port", \.cluster.relay.port, .integer(0...65_535),
            "The port at which other nodes subscribe to feeds; 0 lets the kernel choose.", why: "next to gossip's."
        ),
        SettingKey(
            "relay.max_subscriptions", \.cluster.maximumSubscriptions, .integer(1...1_000_000),
            "Streams that one other node may take from here at once; it is refused more.",
            why: "more than a node has live; a bound keeps a faulty node from taking all memory."
        ),
        SettingKey(
            "relay.tls.certificate", \.cluster.relayTLS.certificate,
            .optionalText("a PEM file with the certificate chain"),
            "The certificate that this node shows on the relay; with it nodes prove themselves so, not by cluster.key.",
            why: "the cluster's key is enough where whoever has it is trusted."
        ),
        SettingKey(
            "relay.tls.key", \.cluster.relayTLS.key, .optionalText("a PEM file with the private key"),
            "The private key of relay.tls.certificate.", why: "goes with the certificate."
        ),
        SettingKey(
            "relay.tls.authority", \.cluster.relayAuthority,
            .optionalText("a PEM file with the authority's certificate"),
            "Who must have signed the certificates of other nodes; whoever it signed is a node.",
            why: "goes with the certificate."
        ),
        SettingKey(
            "edge.agent_port", \.edge.agentPort, .integer(0...65_535),
            "A port that answers HAProxy's agent-check with the share of the node that is free; 0 for none.",
            why: "only a load balancer asks."
        ),
        SettingKey(
            "edge.shield", \.edge.isShield, .boolean, "Whether the other edges of the region subscribe here.",
            why: "a region of a few edges needs none."
        ),
    ]

    static let router = [
        SettingKey(
            "router.mode", \.router.mode, .choice,
            "playlist answers the multivariant playlist with each variant at two edges, redirect sends to one edge.",
            why: "a player that has two addresses goes on when an edge dies; redirect suits those that read one."
        ),
        SettingKey(
            "router.steering", \.router.steeringLife, .duration(.zero ... .seconds(600)),
            "After how long players ask anew which of a stream's pathways to use: edges, the CDN, other regions; 0s tells them of edges alone, and never to ask.",
            why: "a viewer leaves a full edge within a segment or five, and asking costs a tenth of what playing does."
        ),
        SettingKey(
            "router.trusted_proxies", \.router.trustedProxies, .prefixes,
            "Proxies whose X-Forwarded-For and X-Millrace-Region are believed.", why: "anybody can send a header."
        ),
        SettingKey(
            "router.regions", \.router.regionsFile,
            .optionalText("a file of lines `address PREFIX REGION`, `country CC REGION`, `place REGION LAT LONG`"),
            "Which region serves which viewers.", why: "one region serves all."
        ),
        SettingKey(
            "router.places", \.router.placesFile, .optionalText("a MaxMind DB file"),
            "In which country, or where in the world, an address is, for the lines of router.regions.",
            why: "such files come under licenses of their own."
        ),
    ]

    @Sendable private static func isAddress(_ text: String) -> Bool { IPAddress(parsing: text) != nil }

    private static func isURL(_ scheme: String) -> @Sendable (String) -> Bool {
        { text in
            guard text.utf8.count <= NodeDescription.longestURL, !text.hasSuffix("/") else { return false }
            let rest =
                text.hasPrefix("\(scheme)://") ? text.dropFirst(scheme.count + 3) : text.dropFirst(scheme.count + 4)
            return (text.hasPrefix("\(scheme)://") || text.hasPrefix("\(scheme)s://")) && !rest.isEmpty
                && !rest.contains(where: \.isWhitespace)
        }
    }
}
