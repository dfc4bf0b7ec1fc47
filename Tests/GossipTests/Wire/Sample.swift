// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Foundation
import Gossip
import Identity

/// Values that golden vectors are written of, and what reads those of Tests/Vectors/gossip.
enum Sample {
    static let node = known(NodeID(parsing: "edge-1"))
    static let other = known(NodeID(parsing: "origin-2.eu"))
    static let europe = known(Region(parsing: "eu"))
    static let stream = known(try? StreamID(app: "live", name: "news"))
    static let endpoint = Endpoint(address: .v4(0xC000_0201), port: 7946)
    static let description = NodeDescription(
        id: node, roles: [.edge, .shield], region: europe, zone: known(Zone(parsing: "eu-a")), gossip: endpoint,
        relay: Endpoint(address: .v6(0x2001_0DB8_0000_0000, 1), port: 7947), viewerURL: "https://e1.example",
        capacity: 10_000, packaging: 1...2)
    static let entry = StreamEntry(
        stream: stream, term: Term(number: 0x0190_0000_0000, salt: 0xABCD_EF01), version: 3, gateway: other,
        standby: node, region: europe, state: .live, publisher: 0x1122_3344_5566_7788,
        variants: [
            StreamVariant(
                rendition: .main, peakBandwidth: 3_000_000, averageBandwidth: 2_500_000,
                codecs: "avc1.64001f,mp4a.40.2", width: 1280, height: 720, frameRate: 29_970, range: .sdr)
        ])
    static let summary = RegionSummary(
        region: europe, speaker: node, time: 1_700_000_000_000, routers: ["https://r1.example"],
        doors: [RelayDoor(node: other, relay: endpoint, capacity: 500)], capacity: 20_000, load: 250)
    static let newerSummary = RegionSummary(
        region: europe, speaker: node, time: 1_700_000_000_000, routers: ["https://r1.example"],
        doors: [RelayDoor(node: other, relay: endpoint, capacity: 500)], capacity: 20_000, load: 250,
        packaging: 1...3)
    static let report = LoadReport(
        node: node, sequence: 9, egress: 1_000_000_000, processor: 750, viewers: 5000,
        streams: [StreamAudience(key: RankingKey(number: 0xFEED), viewers: 4000, kilobits: 800_000)])
    static let order = KeyOrder(
        time: 1_700_000_000_000, key: 0x0102_0304, verb: .install, secret: Array(0..<32))

    static let steering = SteeringOrder(
        stream: stream, time: 1_700_000_000_000, expires: 1_700_000_600_000,
        shares: [
            known(PathwayShare(pathway: "CDN", percent: 30)), known(PathwayShare(pathway: "REGION.eu", percent: 0)),
        ])

    static let datagrams: [(name: String, value: GossipDatagram)] = [
        ("datagram-empty", GossipDatagram(sender: node)),
        ("datagram-ack", GossipDatagram(sender: node, message: .ack(sequence: 7, localHealth: 2))),
        ("datagram-load", GossipDatagram(sender: node, message: .load(report))),
        ("datagram-nack", GossipDatagram(sender: node, message: .nack(sequence: 0xFFFF_FFFF))),
        ("datagram-ping", GossipDatagram(sender: node, message: .ping(sequence: 1, target: other))),
        (
            "datagram-ping-request",
            GossipDatagram(sender: node, message: .pingRequest(sequence: 1, target: other, at: endpoint))
        ),
        ("datagram-store-answered", GossipDatagram(sender: node, message: .storeAnswered)),
        (
            "datagram-members",
            GossipDatagram(
                sender: node, message: .ping(sequence: 2, target: other),
                rumours: [
                    .suspect(other, incarnation: 256, accuser: node), .alive(description, incarnation: 512),
                    .dead(other, incarnation: 256, accuser: node), .left(other, incarnation: 257),
                ])
        ),
        ("datagram-steering", GossipDatagram(sender: node, rumours: [.steering(steering)])),
        ("datagram-region", GossipDatagram(sender: node, rumours: [.region(newerSummary)])),
        ("datagram-directory", GossipDatagram(sender: node, rumours: [.stream(entry), .region(summary), .key(order)])),
    ]

    static let streamMessages: [(name: String, value: GossipStreamMessage)] = [
        ("stream-ack", .ack(sequence: 7)),
        ("stream-digest", .digest(members: 1, directory: 0xFFFF_FFFF_FFFF_FFFF, isJoin: true)),
        ("stream-ping", .ping(sequence: 7, target: other)),
        ("stream-refusal", .refusal("another cluster")),
        (
            "stream-state",
            .state(
                members: [Member(description: description, incarnation: 512, health: .suspect)], streams: [entry],
                regions: [summary], keys: [order], isAnswer: true)
        ),
    ]
}

/// A value that the test itself wrote down.
func known<Value>(_ value: Value?) -> Value {
    guard let value else { preconditionFailure("a sample that is none") }
    return value
}

/// The bytes of a file in Tests/Vectors/gossip: hexadecimal digits; blanks, line ends and what stands behind `#` are for
/// the eye.
func vector(_ name: String) throws -> [UInt8] {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    let text = try String(contentsOf: tests.appending(path: "Vectors/gossip/\(name).hex"), encoding: .utf8)
    let lines = text.split(separator: "\n").map { $0.prefix { $0 != "#" } }
    return known([UInt8](hex: lines.joined().filter { !$0.isWhitespace }))
}

func encoded(_ datagram: GossipDatagram) -> [UInt8] {
    var bytes: [UInt8] = []
    GossipDatagramEncoder().append(datagram, to: &bytes)
    return bytes
}

func encoded(_ message: GossipStreamMessage) -> [UInt8] {
    var bytes: [UInt8] = []
    GossipStreamEncoder().append(message, to: &bytes)
    return bytes
}

func decodedDatagram(_ bytes: [UInt8], sender: NodeID = Sample.node) throws(GossipFailure) -> GossipDatagram {
    var decoder = GossipDatagramDecoder()
    return try decoder.datagram(from: bytes[...], sender: sender)
}

func decodedStream(_ bytes: [UInt8]) throws(GossipFailure) -> [GossipStreamMessage] {
    var decoder = GossipStreamDecoder()
    decoder.append(bytes)
    var messages: [GossipStreamMessage] = []
    while let message = try decoder.next() { messages.append(message) }
    return messages
}
