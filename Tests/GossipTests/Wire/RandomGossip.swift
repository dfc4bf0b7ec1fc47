// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Gossip
import Identity
import TestKit

/// Gossip of any content that a node may send, by seed.
struct RandomGossip {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func datagram() -> GossipDatagram {
        GossipDatagram(
            sender: node(), message: maybe { $0.message() },
            rumours: list(upTo: 3) { $0.smallRumour() })
    }

    mutating func message() -> GossipMessage {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: .ack(sequence: number(), localHealth: .random(in: 0...7, using: &random))
        case 1: .load(report())
        case 2: .nack(sequence: number())
        case 3: .ping(sequence: number(), target: node())
        case 4: .storeAnswered
        default: .pingRequest(sequence: number(), target: node(), at: endpoint())
        }
    }

    mutating func rumour() -> Rumour {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: .region(region().fitted)
        case 1: .stream(entry(variants: 6))
        default: smallRumour()
        }
    }

    /// One of those of which three and a message fit into a datagram.
    mutating func smallRumour() -> Rumour {
        switch Int.random(in: 0..<7, using: &random) {
        case 0: .alive(description(), incarnation: number())
        case 1: .dead(node(), incarnation: number(), accuser: node())
        case 2: .left(node(), incarnation: number())
        case 3: .key(order())
        case 4: .stream(entry(variants: 0))
        case 5: .steering(steering(shares: 2))
        default: .suspect(node(), incarnation: number(), accuser: node())
        }
    }

    mutating func streamMessage() -> GossipStreamMessage {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: .ack(sequence: number())
        case 1: .digest(members: number(), directory: number(), isJoin: flag())
        case 2: .refusal(text(upTo: 64) + "ü")
        case 3:
            .state(
                members: list(upTo: 8) { $0.member() }, streams: list(upTo: 8) { $0.entry(variants: 2) },
                regions: list(upTo: 3) { $0.region().fitted }, keys: list(upTo: 3) { $0.order() },
                steering: list(upTo: 3) { $0.steering(shares: 8) }, isAnswer: flag())
        default: .ping(sequence: number(), target: node())
        }
    }

    mutating func member() -> Member {
        Member(
            description: description(), incarnation: number(),
            health: MemberHealth.allCases.randomElement(using: &random) ?? .alive)
    }

    mutating func description() -> NodeDescription {
        let lowest: UInt8 = number()
        return NodeDescription(
            id: node(), roles: NodeRoles(rawValue: number()), region: place(Region.init(parsing:)) ?? .local,
            zone: place(Zone.init(parsing:)) ?? .local, gossip: endpoint(), relay: maybe { $0.endpoint() },
            viewerURL: text(upTo: 60), publisherURL: text(upTo: 60), capacity: number(),
            packaging: lowest...UInt8.random(in: lowest...255, using: &random), isDraining: flag())
    }

    mutating func entry(variants: Int) -> StreamEntry {
        StreamEntry(
            stream: (try? StreamID(app: name(), name: "\(name())/\(name())ü")) ?? Sample.stream,
            term: Term(number: number(), salt: number()), version: number(), gateway: node(),
            standby: maybe { $0.node() }, region: place(Region.init(parsing:)) ?? .local,
            state: StreamState.allCases.randomElement(using: &random) ?? .live, publisher: number(),
            variants: list(upTo: variants) { $0.variant() }
        ).fitted
    }

    mutating func variant() -> StreamVariant {
        StreamVariant(
            rendition: RenditionName(parsing: name()) ?? .main, peakBandwidth: number(), averageBandwidth: number(),
            codecs: text(upTo: 80), width: number(), height: number(), frameRate: number())
    }

    mutating func region() -> RegionSummary {
        let lowest: UInt8 = .random(in: 0...2, using: &random)
        return RegionSummary(
            region: place(Region.init(parsing:)) ?? .local, speaker: node(), time: number(),
            routers: list(upTo: 9) { $0.text(upTo: 140) },
            doors: list(upTo: 9) { RelayDoor(node: $0.node(), relay: $0.endpoint(), capacity: $0.number()) },
            capacity: number(), load: number(),
            packaging: maybe { lowest...UInt8.random(in: lowest...3, using: &$0.random) })
    }

    mutating func report() -> LoadReport {
        LoadReport(
            node: node(), sequence: number(), egress: number(), processor: .random(in: 0...1000, using: &random),
            viewers: number(),
            streams: list(upTo: 8) {
                StreamAudience(key: RankingKey(number: $0.number()), viewers: $0.number(), kilobits: $0.number())
            })
    }

    mutating func order() -> KeyOrder {
        let verb = KeyOrder.Verb.allCases.randomElement(using: &random) ?? .use
        return KeyOrder(
            time: number(), key: number(), verb: verb, secret: verb == .remove ? [] : (0..<32).map { _ in number() })
    }

    mutating func steering(shares count: Int) -> SteeringOrder {
        let shares = list(upTo: count) { gossip in
            PathwayShare(pathway: gossip.name(), percent: .random(in: 0...12, using: &gossip.random))
        }.compactMap { $0 }
        let distinct = Dictionary(shares.map { ($0.pathway, $0) }) { $1 }.values.sorted { $0.pathway < $1.pathway }
        let stream = try? StreamID(app: name(), name: "\(name())ü")
        return SteeringOrder(
            stream: flag() ? stream : nil, time: number(), expires: number(), shares: distinct)
    }

    mutating func endpoint() -> Endpoint {
        Endpoint(address: flag() ? .v4(number()) : .v6(number(), number()), port: number())
    }

    mutating func node() -> NodeID { NodeID(parsing: name() + "." + name()) ?? Sample.node }

    mutating func number<Value: FixedWidthInteger>() -> Value { .random(in: .min ... .max, using: &random) }

    mutating func flag() -> Bool { .random(using: &random) }

    private mutating func place<Value>(_ parse: (String) -> Value?) -> Value? { parse(name()) }

    private mutating func name() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        return String(
            (0..<Int.random(in: 1...30, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
    }

    private mutating func text(upTo limit: Int) -> String {
        String(repeating: "/", count: .random(in: 0...limit, using: &random))
    }

    private mutating func maybe<Value>(_ make: (inout Self) -> Value) -> Value? { flag() ? make(&self) : nil }

    private mutating func list<Value>(upTo limit: Int, _ make: (inout Self) -> Value) -> [Value] {
        let count = Int.random(in: 0...limit, using: &random)
        return (0..<count).map { _ in make(&self) }
    }
}
