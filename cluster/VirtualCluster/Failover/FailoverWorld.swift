// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Media
import Placement
import Relay
import TestKit

/// One stream in a region of a few nodes while its gateways, standbys and edges die, fall silent, stand still and are cut
/// off, and its publisher comes back wherever it can. All that decides is production's: the sequencer, the windows, both
/// sides of the relay, terms, placement, and the keeper of leases. Modelled are gossip, where who is dead is known after a
/// while and an entry of the directory arrives when it arrives, the connections, and the store. Everything by one seed.
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
    /// The longest that a node listed nothing new after one fault alone.
    public internal(set) var standstills: [Duration] = []
    /// How many claims and renewals the store granted.
    public internal(set) var grants = 0
    /// The longest that a gateway wrote in a term that the store had given to another.
    public internal(set) var staleness: Duration = .zero
    /// FNV-1a over everything that was listed.
    public internal(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    /// Called with a line for whatever matters.
    public var trace: ((String) -> Void)?

    let nodes: [FailoverNode]
    let variant: FailoverVariant
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
    var contents: [ListedName: UInt64] = [:]
    /// Every playlist ever shown, by what it ends with, and its text.
    var texts: [String: [UInt8]] = [:]
    /// Some of them, as they were read.
    var readTexts: [[UInt8]: ReadNames] = [:]
    /// The highest number listed when playlists were last looked at.
    var newestListed: MediaSequenceNumber = 0
    /// Who appended in a term, who promised it, and whom the store granted it to.
    var writers: [Term: Int] = [:]
    var promises: [Term: Set<Int>] = [:]
    var holders: [Term: Int] = [:]
    /// What the store granted last, and how often it had forgotten everything by then.
    var granted: (term: Term, losses: Int)?
    var store = VirtualRedis()
    /// What it was up to a second ago, as a replica has it.
    var storePast = VirtualRedis()
    var requests = EventQueue<FailoverRequest>()
    var lastQuestion = 0
    /// The furthest part that anybody listed.
    var furthest: PartPosition?
    /// Whether not more than one machine has failed since all was well.
    var isSingle = false
    let settings = RelaySettings()

    static let stream: StreamID = {
        guard let stream = try? StreamID(app: "live", name: "cam") else { preconditionFailure("a name of ours") }
        return stream
    }()
    static let cuts = SequencerSettings(segmentTarget: .seconds(1), partTarget: .milliseconds(250))
    static let grace: Duration = .seconds(8)

    /// Three origins, a shield and three edges.
    public init(seed: UInt64, variant: FailoverVariant = FailoverVariant()) {
        self.seed = seed
        self.variant = variant
        random = SeededRandom(seed: seed)
        let kinds: [NodeRoles] = [.origin, .origin, .origin, [.edge, .shield], .edge, .edge, .edge]
        nodes = kinds.enumerated().map { number, roles in
            guard let id = NodeID(parsing: "n\(number)") else { preconditionFailure("a name of ours") }
            let endpoint = Endpoint(address: .v4(0x0A00_0001 + UInt32(number)), port: 7947)
            return FailoverNode(
                number: number, window: variant.window,
                description: NodeDescription(
                    id: id, roles: roles, gossip: endpoint, relay: endpoint, viewerURL: "http://n\(number)"))
        }
        for node in nodes { start(node) }
        for node in nodes { look(node) }
        guard variant.hasOddClocks else { return }
        for node in nodes { node.clock = .milliseconds(Int.random(in: -30_000...30_000, using: &random)) }
    }

    /// Unix time, as a node has it.
    func wall(of node: FailoverNode) -> WallTime {
        WallTime(milliseconds: 1_795_255_200_000).advanced(by: now + node.clock)
    }

    /// A node's life begins with nothing.
    func start(_ node: FailoverNode) {
        node.description.isDraining = false
        if variant.isUpgraded, node.life > 0 { node.description.packaging = 1...2 }
        node.start(now: now)
        if variant.hasStore, node.isOrigin { node.arbiter = FailoverArbiter(now: now) }
    }

    /// Lets time go on.
    public func run(for duration: Duration) {
        let end = now + duration
        while now < end {
            now += .milliseconds(10)
            publish()
            if variant.hasStore { serveStore() }
            for node in nodes where node.state == .up { live(node) }
            for number in wires.keys.sorted() { pump(number) }
            if now.components.attoseconds % 200_000_000_000_000_000 == 0 {
                lookAtPlaylists()
                auditAll()
            }
        }
    }

    /// What a node does in a moment: hears what has come, and does what is due.
    private func live(_ node: FailoverNode) {
        if now - node.lastTick > .seconds(1) { hasStood(node) }
        node.lastTick = now
        while let time = node.mailbox.nextTime, time <= now, let (_, letter) = node.mailbox.removeFirst() {
            hear(letter, node)
        }
        follow(node)
        keepLeases(node)
        rule(node)
        subscribe(node)
        keepDrain(node)
    }

    private func hear(_ letter: FailoverLetter, _ node: FailoverNode) {
        switch letter {
        case .answer(let answer, let question, let from): answered(answer, to: question, node, by: from)
        case .closed(let wire): closed(wire, node)
        case .entry(let entry): learn(entry, node)
        case .media(let connection, let content): take(content, from: connection, node)
        case .question(let question): self.answer(question, node)
        case .relay(let wire, let message): receive(message, on: wire, node)
        case .refused(let by, let life): unreachable(by, node, life: life)
        case .stored(let number, let answer, let life): heard(answer, to: number, node, life: life)
        case .storeAnswered: heardOfStore(node)
        }
    }
}

// MARK: - Letters

extension FailoverWorld {
    /// Whether what one node sends reaches the other.
    func reaches(_ from: Int, _ to: Int) -> Bool { cuts.isEmpty || !cuts.contains(Cut(from: from, to: to)) }

    /// Whether both ways are free.
    func talks(_ one: Int, _ other: Int) -> Bool { reaches(one, other) && reaches(other, one) }

    /// Sends a datagram, which may be lost.
    func send(_ letter: FailoverLetter, from: Int, to: Int, after delay: Duration? = nil) {
        guard reaches(from, to), nodes[to].isRunning else { return }
        nodes[to].mailbox.insert(letter, at: now + (delay ?? .milliseconds(Int.random(in: 1...20, using: &random))))
    }

    func note(_ line: @autoclosure () -> String) { if let trace { trace("\(now) \(line())") } }
}
