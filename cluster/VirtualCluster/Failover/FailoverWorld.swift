// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Media
import Placement
import Relay
import TestKit

/// One stream in a region of a few nodes while its gateways, standbys and edges die, stand still and are cut off, and its
/// publisher comes back wherever it can. All that decides is production's: the sequencer, the windows, both sides of the
/// relay, terms and placement. Gossip is modelled: who is dead is known after a while, an entry of the directory arrives
/// when it arrives. Everything by one seed.
public final class FailoverWorld {
    /// What chance began with.
    public let seed: UInt64
    /// What was not as it must be.
    public internal(set) var problems: [String] = []
    /// How often a term began.
    public internal(set) var terms = 0
    /// How many playlists were looked at.
    public internal(set) var playlists = 0
    /// How long the stream stood still, where it did, from a fault on.
    public internal(set) var pauses: [Duration] = []
    /// FNV-1a over everything that was listed.
    public internal(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Called with a line for whatever matters.
    public var trace: ((String) -> Void)?

    let nodes: [FailoverNode]
    var now: Duration = .zero
    var random: SeededRandom
    /// The connections by number, the oldest first.
    var wires: [Int: FailoverWire] = [:]
    var lastWire = 0
    var cuts: Set<Cut> = []
    var publisher = FailoverPublisher()
    /// The connections of two publishers that came in the same moment, until one of them has the stream.
    var rivals: Set<Int> = []
    /// Every name ever listed anywhere, and the hash of its bytes.
    var contents: [String: UInt64] = [:]
    /// Every playlist ever shown, by what it ends with, and its text.
    var texts: [String: [UInt8]] = [:]
    /// The highest number listed when playlists were last looked at.
    var newestListed: MediaSequenceNumber = 0
    /// Who appended in a term.
    var writers: [Term: Int] = [:]
    let settings = RelaySettings()

    static let stream: StreamID = {
        guard let stream = try? StreamID(app: "live", name: "cam") else { preconditionFailure("a name of ours") }
        return stream
    }()
    static let cuts = SequencerSettings(segmentTarget: .seconds(1), partTarget: .milliseconds(250))
    static let grace: Duration = .seconds(8)

    /// Three origins, a shield and three edges.
    public init(seed: UInt64) {
        self.seed = seed
        random = SeededRandom(seed: seed)
        let kinds: [NodeRoles] = [.origin, .origin, .origin, [.edge, .shield], .edge, .edge, .edge]
        nodes = kinds.enumerated().map { number, roles in
            guard let id = NodeID(parsing: "n\(number)") else { preconditionFailure("a name of ours") }
            let endpoint = Endpoint(address: .v4(0x0A00_0001 + UInt32(number)), port: 7947)
            return FailoverNode(
                number: number,
                description: NodeDescription(
                    id: id, roles: roles, gossip: endpoint, relay: endpoint, viewerURL: "http://n\(number)"))
        }
        for node in nodes { node.start(now: .zero) }
        for node in nodes { look(node) }
    }

    /// Unix time.
    var wall: WallTime { WallTime(milliseconds: 1_795_255_200_000).advanced(by: now) }

    /// Lets time go on.
    public func run(for duration: Duration) {
        let end = now + duration
        while now < end {
            now += .milliseconds(10)
            publish()
            for node in nodes where node.state == .up { live(node) }
            for number in wires.keys.sorted() { pump(number) }
            if now.components.attoseconds % 200_000_000_000_000_000 == 0 { lookAtPlaylists() }
        }
    }

    /// What a node does in a moment: hears what has come, and does what is due.
    private func live(_ node: FailoverNode) {
        let stood = now - node.lastTick
        if stood > .seconds(1) { fence(node) }
        node.lastTick = now
        while let time = node.mailbox.nextTime, time <= now, let (_, letter) = node.mailbox.removeFirst() {
            hear(letter, node)
        }
        follow(node)
        rule(node)
        subscribe(node)
    }

    private func hear(_ letter: FailoverLetter, _ node: FailoverNode) {
        switch letter {
        case .answer(let answer, let from, let life): answered(answer, node, by: from, life: life)
        case .closed(let wire): closed(wire, node)
        case .entry(let entry): learn(entry, node)
        case .media(let connection, let content): take(content, from: connection, node)
        case .question(let term, let from, let life): answer(term, node, to: from, life: life)
        case .relay(let wire, let message): receive(message, on: wire, node)
        case .refused(let by, let life): unreachable(by, node, life: life)
        }
    }
}

// MARK: - Letters

extension FailoverWorld {
    /// Whether what one node sends reaches the other.
    func reaches(_ from: Int, _ to: Int) -> Bool { !cuts.contains(Cut(from: from, to: to)) }

    /// Sends a datagram, which may be lost.
    func send(_ letter: FailoverLetter, from: Int, to: Int, after delay: Duration? = nil) {
        guard reaches(from, to), nodes[to].state != .down else { return }
        nodes[to].mailbox.insert(letter, at: now + (delay ?? .milliseconds(Int.random(in: 1...20, using: &random))))
    }

    /// Sends a message on a connection: in order, and all of them, or the connection is torn.
    func write(_ message: RelayMessage, on number: Int, upwards: Bool) {
        guard var wire = wires[number], !wire.isTorn else { return }
        defer { wires[number] = wire }
        let (from, to) = upwards ? (wire.child, wire.parent) : (wire.parent, wire.child)
        guard reaches(from, to) else {
            wire.isTorn = true
            return
        }
        let delay = Duration.milliseconds(Int.random(in: 1...15, using: &random))
        let time = max(now + delay, upwards ? wire.newest.up : wire.newest.down)
        if upwards { wire.newest.up = time } else { wire.newest.down = time }
        nodes[to].mailbox.insert(.relay(wire: number, message), at: time)
    }

    /// Ends a connection: those who live hear of it.
    func close(_ number: Int, after delay: Duration = .milliseconds(2)) {
        guard let wire = wires.removeValue(forKey: number) else { return }
        for (end, life) in [(wire.child, wire.lives.child), (wire.parent, wire.lives.parent)]
        where nodes[end].state != .down && nodes[end].life == life {
            nodes[end].mailbox.insert(.closed(wire), at: now + delay)
        }
    }

    func note(_ line: @autoclosure () -> String) { if let trace { trace("\(now) \(line())") } }
}
