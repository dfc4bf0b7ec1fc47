// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import HLS
import Identity
import Media
import Relay
import TestKit
import Testing

/// A gateway, its standby, and two levels of nodes below them, on wires that break: everything by one seed.
final class RelayWorld {
    let seed: UInt64
    var nodes: [RelayNode]
    var wires: [RelayWire] = []
    var now: Duration = .zero
    var random: SeededRandom
    var settings = RelaySettings()
    /// Faults a second, in per mille of a step.
    var faults = 0
    var delay: ClosedRange<Int> = 0...60
    var gateway = 0
    private var isPublishing = true
    var commits: CommitTracker
    private var sequencer: Sequencer
    private var media: AnyIterator<SyntheticMedia.Event>
    private var pending: SyntheticMedia.Event?
    private var records: [FeedRecord] = []
    /// The name of every part ever seen at the gateway, and its bytes.
    private(set) var parts: [String: [UInt8]] = [:]
    /// Every text of a playlist ever seen, by what it stands after.
    private(set) var texts: [String: [UInt8]] = [:]
    private let kind: SyntheticMedia

    /// Nodes 0 and 1 are origins, 2 and 3 shields below both, 4 to 6 edges below the shields.
    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededRandom(seed: seed)
        nodes = try [
            RelayNode(Self.name("origin-0")), RelayNode(Self.name("origin-1"), parents: [0], isHolder: true),
            RelayNode(Self.name("shield-2"), parents: [0, 1]), RelayNode(Self.name("shield-3"), parents: [1, 0]),
            RelayNode(Self.name("edge-4"), parents: [2, 3]), RelayNode(Self.name("edge-5"), parents: [3, 2]),
            RelayNode(Self.name("edge-6"), parents: [2, 3], isSlow: true),
        ]
        var kind = SyntheticMedia()
        kind.framesPerGroup = 30
        kind.sizes = (700, 60)
        self.kind = kind
        let term = Term(number: 1000, salt: 1)
        sequencer = Sequencer(settings: Self.cuts, term: term, firstMSN: 100)
        commits = CommitTracker(term: term)
        media = AnyIterator(kind.events(for: .seconds(600)).makeIterator())
        nodes[0].take(term, continuing: FeedSummary(firstSegment: 100))
        announce()
    }

    static let cuts = SequencerSettings(segmentTarget: .seconds(1), partTarget: .milliseconds(250))

    static func name(_ text: String) throws -> NodeID { try #require(NodeID(parsing: text)) }

    private var wall: WallTime { WallTime(milliseconds: 1_795_255_200_000).advanced(by: now) }

    private func announce() {
        for track in kind.tracks {
            sequencer.parameters(kind.parameters(track), for: track, now: now, wall: wall, into: &records)
        }
    }

    /// Lets time go on.
    func run(for duration: Duration) throws {
        let end = now + duration
        while now < end {
            now += .milliseconds(10)
            publish()
            misfortune()
            try deliver()
            for index in nodes.indices where !nodes[index].isDown { subscribe(index) }
            for wire in wires where wire.isOpen { pump(wire) }
            wires.removeAll { !$0.isOpen }
        }
        try compare()
    }

    /// Lets all that is under way arrive.
    func drain() throws {
        isPublishing = false
        try run(for: .milliseconds(1500))
    }

    /// The gateway is gone; the standby goes on from what it holds, in a new term.
    func takeOver() throws {
        kill(gateway)
        let standby = try #require(nodes[1].summary, "seed \(seed)")
        gateway = 1
        let term = Term(number: 2000, salt: 2)
        sequencer = Sequencer(settings: Self.cuts, term: term, continuing: standby.value)
        commits = CommitTracker(term: term)
        records = []
        for wire in wires where wire.child == 1 { cut(wire) }
        nodes[1].take(term, continuing: standby.value)
        announce()
    }

    func kill(_ node: Int) {
        nodes[node].isDown = true
        for wire in wires where wire.child == node || wire.parent == node { cut(wire) }
    }
}

// MARK: - The gateway

extension RelayWorld {
    private func publish() {
        guard isPublishing else { return }
        while let event = pending ?? media.next() {
            guard event.time <= now else {
                pending = event
                break
            }
            pending = nil
            sequencer.append(event.unit, now: now, wall: wall, into: &records)
        }
        guard !nodes[gateway].isDown, !records.isEmpty, let first = nodes[gateway].feed?.next else { return }
        for (offset, record) in records.enumerated() {
            let position = FeedPosition(term: first.term, number: first.number + UInt64(offset))
            nodes[gateway].append(record, at: position)
            guard case .partEnd(let mark) = record else { continue }
            _ = commits.append(mark.position, number: position.number)
            note(mark.position, first.term)
        }
        records = []
        settle()
    }

    private func note(_ position: PartPosition, _ term: Term) {
        let bytes = nodes[gateway].feed?.window.part(position, term: term, rendition: .main)
        parts["\(term) \(position)"] = bytes
    }

    func settle() {
        guard let commit = commits.committed else { return }
        nodes[gateway].feed?.commit(upTo: commit)
    }
}

// MARK: - The wires

extension RelayWorld {
    private func misfortune() {
        for wire in wires where wire.isOpen {
            guard Int.random(in: 0..<100_000, using: &random) < faults else { continue }
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1: cut(wire)
            case 2: wire.frozenUntil = now + .milliseconds(Int.random(in: 100...1500, using: &random))
            default:
                let node = wire.child
                guard node > 1 else { continue }
                kill(node)
                nodes[node].restart()
                nodes[node].isDown = false
            }
        }
    }

    func cut(_ wire: RelayWire) {
        guard wire.isOpen else { return }
        wire.isOpen = false
        if wire.publisher?.request.isHolder ?? false {
            _ = commits.remove(nodes[1].name)
            settle()
        }
        guard nodes[wire.child].subscriber != nil else { return }
        let directives = nodes[wire.child].subscriber?.disconnected(wire.path, now: now) ?? []
        obey(directives, wire.child)
    }

    private func deliver() throws {
        for wire in wires where wire.isOpen && now >= wire.frozenUntil {
            try RelayWire.deliver(wire.up.read(now: now), to: &wire.parentLink, using: &random) { message in
                hear(message, wire)
            }
            guard wire.isOpen else { continue }
            try RelayWire.deliver(wire.down.read(now: now), to: &wire.childLink, using: &random) { message in
                guard wire.isOpen, nodes[wire.child].subscriber != nil else { return }
                let directives =
                    nodes[wire.child].subscriber?.receive(message, from: wire.path, now: now) ?? []
                obey(directives, wire.child)
            }
        }
    }

    /// The parent hears its subscriber.
    private func hear(_ message: RelayMessage, _ wire: RelayWire) {
        if case .subscribe(let request) = message {
            do throws(RelayRefusal) {
                wire.publisher = try RelayPublisherSession(
                    request, at: NodeTag(nodes[wire.parent].name), settings: settings)
            } catch {
                wire.write(.refused(error), upwards: false, now: now)
            }
            return
        }
        do {
            switch try wire.publisher?.receive(message) {
            case .holds(let position): _ = commits.acknowledge(position, by: nodes[1].name)
            case .joins(let position): commits.add(nodes[1].name, countingFrom: position.number + 1)
            case nil: return
            }
            settle()
        } catch { Issue.record("\(error), seed \(seed)") }
    }

    private func pump(_ wire: RelayWire) {
        let parent = nodes[wire.parent]
        guard wire.publisher != nil, !parent.isDown else { return }
        if wire.heartbeatIsDue(now) {
            let age = parent.isGateway ? .zero : parent.subscriber?.gatewayAge(now: now)
            let beat = wire.publisher?.heartbeat(
                term: parent.feed?.log.term, commit: parent.feed?.commit, gatewayAge: age)
            if let beat { wire.write(beat, upwards: false, now: now) }
        }
        guard let feed = parent.feed else { return }
        while wire.down.isWritable, let directive = wire.publisher?.next(from: feed.log, commit: feed.commit) {
            switch directive {
            case .end(let refusal): wire.write(.refused(refusal), upwards: false, now: now)
            case .records(let places):
                guard let first = feed.log.position(at: places.lowerBound) else { break }
                let body = RelayFrameEncoder().body(of: feed.log.slice(places), from: first)
                wire.down.write(RelayFrameEncoder().head(ofRecords: body.count, channel: 1) + body, now: now)
            case .send(let message): wire.write(message, upwards: false, now: now)
            }
        }
    }
}

// MARK: - The subscribers

extension RelayWorld {
    private func subscribe(_ index: Int) {
        let node = nodes[index]
        guard !node.isGateway, !node.parents.isEmpty else { return }
        if node.subscriber == nil {
            node.subscriber = RelaySubscriberSession(
                stream: RelayNode.stream, next: node.feed?.next, via: [NodeTag(node.name)], isHolder: node.isHolder,
                settings: settings)
        }
        obey(node.subscriber?.tick(now: now) ?? [], index)
        for path in RelayPath.allCases where !(node.subscriber?.isOpen(path) ?? true) {
            guard now >= node.retry[path] ?? .zero else { continue }
            node.retry[path] = now + .milliseconds(Int.random(in: 50...400, using: &random))
            let taken = wires.filter { $0.isOpen && $0.child == index }.map(\.parent)
            guard let parent = node.parents.first(where: { !taken.contains($0) && !nodes[$0].isDown }) else { continue }
            connect(index, to: parent, path)
        }
    }

    private func connect(_ child: Int, to parent: Int, _ path: RelayPath) {
        let wire = RelayWire(
            child: child, parent: parent, path: path, hellos: (hello(child), hello(parent)),
            width: nodes[child].isSlow ? 45 : 4000,
            delay: .milliseconds(Int.random(in: delay, using: &random)), settings: settings, now: now)
        wires.append(wire)
        obey(nodes[child].subscriber?.open(path, now: now) ?? [], child)
    }

    private func hello(_ node: Int) -> RelayHello { RelayHello(cluster: 7, node: nodes[node].name, incarnation: 1) }

    private func obey(_ directives: [RelaySubscriberSession.Directive], _ index: Int) {
        let node = nodes[index]
        for directive in directives {
            switch directive {
            case .append(let records, let first):
                for (offset, record) in records.enumerated() {
                    node.append(record, at: FeedPosition(term: first.term, number: first.number + UInt64(offset)))
                    if case .partEnd = record { see(index) }
                }
            case .begin(let start):
                node.begin(start)
                // Who waits here for the stream is woken at once, before a record is here.
                for wire in wires where wire.isOpen && wire.parent == index { pump(wire) }
            case .commit(let commit):
                node.feed?.commit(upTo: commit)
                see(index)
            case .leave(let path, let parting):
                node.partings.append(parting)
                if case .failed(let failure) = parting { Issue.record("\(node.name): \(failure), seed \(seed)") }
                for wire in wires where wire.child == index && wire.path == path { cut(wire) }
            case .send(let message, let path):
                for wire in wires where wire.isOpen && wire.child == index && wire.path == path {
                    wire.write(message, upwards: true, now: now)
                }
            case .redirect: Issue.record("\(directive), seed \(seed)")
            }
        }
    }
}

// MARK: - What must be true

extension RelayWorld {
    /// Holds a node's newest playlist against every other's of the same name.
    func see(_ index: Int) {
        guard let window = nodes[index].feed?.window, let key = window.currentKey else { return }
        let text = MediaPlaylist(of: window, rendition: .main, at: key)?.text
        let name = "\(window.term.map(String.init(describing:)) ?? "") \(key)"
        if let known = texts[name] {
            let (isSame, node) = (known == text, nodes[index].name)
            #expect(isSame, "\(node) at \(name), seed \(seed)")
        } else {
            texts[name] = text
        }
    }

    /// Holds all parts and records of all nodes against the gateway's.
    func compare() throws {
        for node in nodes where !node.isDown {
            guard var feed = node.feed else { continue }
            let (name, mismatched) = (node.name, feed.digests.mismatched)
            #expect(mismatched == 0, "\(name), seed \(seed)")
            for place in feed.log.firstPlace..<feed.log.endPlace {
                guard case .partEnd(let mark)? = feed.log[place: place], mark.hasMedia else { continue }
                let position = try #require(feed.log.position(at: place))
                guard let bytes = feed.window.part(mark.position, term: position.term, rendition: .main) else {
                    continue
                }
                let isSame = parts["\(position.term) \(mark.position)"] == bytes
                #expect(isSame, "\(name) \(mark.position), seed \(seed)")
            }
        }
    }

    /// Lets time go on until a node says that it is level, and holds what it has then against the gateway's.
    func expectLevelAtOnce(_ index: Int) throws {
        let limit = now + .seconds(3)
        while now < limit, !(nodes[index].subscriber?.isLevel ?? false) { try run(for: .milliseconds(10)) }
        let (ours, theirs) = (nodes[gateway].feed?.window.committed, nodes[index].feed?.window.committed)
        let (newest, held) = (try #require(ours), try #require(theirs, "seed \(seed)"))
        #expect(now < limit && newest.msn <= held.msn + 1, "\(nodes[index].name) at \(held), seed \(seed)")
        let hasPlaylist = nodes[index].feed?.window.currentKey != nil
        #expect(hasPlaylist, "seed \(seed)")
    }

    /// Holds the records and the playlist of a node against the gateway's, once nothing is under way.
    func expectWhole(_ index: Int) throws {
        let name = "\(nodes[index].name), seed \(seed)"
        let feed = try #require(nodes[index].feed, "\(name)")
        let ours = try #require(nodes[gateway].feed, "\(name)")
        let (next, key) = (feed.next, feed.window.currentKey)
        let (ourNext, ourKey) = (ours.next, ours.window.currentKey)
        #expect(next == ourNext && key == ourKey && key != nil, "\(name)")
        let answer = BlockingReload.directive(for: .mediaPlaylist(.main), window: feed.window)
        #expect(answer == BlockingReload.directive(for: .mediaPlaylist(.main), window: ours.window), "\(name)")
        #expect(feed.window.renditions == ours.window.renditions, "\(name)")
        var differing = 0
        for place in ours.log.firstPlace..<ours.log.endPlace {
            guard let position = ours.log.position(at: place) else { continue }
            guard case .at(let theirs) = feed.log.resumption(from: position),
                feed.log[place: theirs] == ours.log[place: place]
            else {
                differing += 1
                continue
            }
        }
        #expect(differing == 0, "\(name)")
    }
}
