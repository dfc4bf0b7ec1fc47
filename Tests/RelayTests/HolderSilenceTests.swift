// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Relay
import TestKit
import Testing

@Suite("A standby that falls silent")
struct HolderSilenceTests {
    @Test("keeps what is listed back by less than a second, whenever it falls silent")
    func silent() throws {
        let delays = try (0..<300 as Range<UInt64>).map { seed in
            var world = SilenceWorld(seed: seed)
            world.standbyStops = .milliseconds(Int.random(in: 1500...2500, using: &world.random))
            world.run(for: .seconds(5))
            #expect(world.given != nil, "seed \(seed)")
            return try #require(world.worstDelay)
        }.sorted()
        let (middle, late, worst) = (delays[150], delays[285], delays[299])
        print("parts of half a second are late by p50 \(middle), p95 \(late), at most \(worst), of a silent standby")
        #expect(late <= .milliseconds(900) && worst <= .seconds(1), "p50 \(middle), p95 \(late), worst \(worst)")
    }

    @Test("keeps it back for a round more where another node is gone as well")
    func twoSilent() throws {
        for seed in 0..<100 as Range<UInt64> {
            var world = SilenceWorld(seed: seed)
            world.standbyStops = .milliseconds(Int.random(in: 1500...2500, using: &world.random))
            world.isOneMoreGone = true
            world.run(for: .seconds(5))
            #expect(try #require(world.worstDelay) <= .milliseconds(1300), "seed \(seed)")
        }
    }

    @Test("is not given up where it only stands still for 600 ms, on links of up to 40 ms")
    func stall() throws {
        for seed in 0..<300 as Range<UInt64> {
            var world = SilenceWorld(seed: seed)
            let stop = Duration.milliseconds(Int.random(in: 1500...2500, using: &world.random))
            world.standbyStops = stop
            world.standbyGoesOn = stop + .milliseconds(Int.random(in: 50...600, using: &world.random))
            world.run(for: .seconds(5))
            #expect(world.given == nil, "seed \(seed)")
        }
    }
}

/// A gateway that asks after its standby as the roles do: it looks every 100 ms, and keeps the time of a question every
/// 50 ms. Pictures come 30 times a second, parts are of half a second.
private struct SilenceWorld {
    var random: SeededRandom
    var standbyStops: Duration?
    var standbyGoesOn: Duration?
    var isOneMoreGone = false
    /// When the standby was given up.
    private(set) var given: Duration?
    /// The longest time that a part waited to be listed.
    private(set) var worstDelay: Duration?

    private static let term = Term(number: 1000, salt: 1)
    private static let nodes = ["standby", "a", "b", "c"].compactMap { NodeID(parsing: $0) }
    private var now: Duration = .zero
    private var watch = HolderWatch()
    private var commits = CommitTracker(term: term)
    private var question: TermConfirmation?
    private var askedAt: Duration = .zero
    private var next: UInt64 = 0
    private var ended: [UInt64: Duration] = [:]
    /// What comes to the gateway, and when.
    private var arrivals: [(at: Duration, arrival: Arrival)] = []
    private let phases: (look: Int, time: Int)

    private enum Arrival { case acknowledgement(UInt64), answer(NodeID) }

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        phases = (Int.random(in: 0..<100, using: &random), Int.random(in: 0..<50, using: &random))
        commits.add(Self.nodes[0], countingFrom: 0)
        watch.add(Self.nodes[0], holdingBefore: 0, end: 0, now: .zero)
    }

    mutating func run(for duration: Duration) {
        for millisecond in 0..<Int(duration / .milliseconds(1)) {
            now = .milliseconds(millisecond)
            if millisecond.isMultiple(of: 33) { append() }
            for (_, arrival) in arrivals.filter({ $0.at <= now }) { hear(arrival) }
            arrivals.removeAll { $0.at <= now }
            if question == nil, millisecond % 100 == phases.look { look() }
            if question != nil, millisecond % 50 == phases.time { obey(question?.tick(now: now) ?? []) }
        }
    }

    private mutating func append() {
        if next % 15 == 14 {
            ended[next] = now
            _ = commits.append(PartPosition(msn: next / 15, part: 0), number: next)
        }
        next += 1
        watch.appended(before: next, now: now)
        say(.acknowledgement(next), by: Self.nodes[0])
        settle()
    }

    /// A node says something, when it runs.
    private mutating func say(_ arrival: Arrival, by node: NodeID) {
        var time = now + .milliseconds(Int.random(in: 0...40, using: &random))
        if node == Self.nodes[0], let standbyStops, time >= standbyStops {
            guard let standbyGoesOn else { return }
            time = max(time, standbyGoesOn + .milliseconds(Int.random(in: 0...40, using: &random)))
        }
        if node == Self.nodes[3], isOneMoreGone { return }
        arrivals.append((time, arrival))
    }

    private mutating func hear(_ arrival: Arrival) {
        switch arrival {
        case .acknowledgement(let number):
            watch.acknowledged(before: number, of: next, by: Self.nodes[0], now: now)
            _ = commits.acknowledge(FeedPosition(term: Self.term, number: number - 1), by: Self.nodes[0])
            settle()
        case .answer(let node):
            let answer = TermAnswer(stream: RelayNode.stream, term: Self.term, next: nil, commit: nil)
            if question != nil { obey(question?.answered(answer, by: node) ?? []) }
        }
    }

    private mutating func look() {
        let silent = watch.questionable(now: now)
        guard !silent.isEmpty else { return }
        let peers = Set(Self.nodes)
        askedAt = now
        question = TermConfirmation(
            Self.term, byAll: peers, atLeast: peers.subtracting(silent), settings: RelaySettings())
        obey(question?.tick(now: now) ?? [])
    }

    private mutating func obey(_ directives: [TermConfirmation.Directive]) {
        for directive in directives {
            switch directive {
            case .ask: for node in Self.nodes { say(.answer(node), by: node) }
            case .confirm, .unheard:
                for node in question?.agreed ?? [] { watch.answered(node, now: now) }
                question = nil
                for node in watch.lost(askedAt: askedAt, now: now) {
                    given = now
                    watch.remove(node)
                    _ = commits.remove(node)
                }
                settle()
            case .yield: Issue.record("nobody has a higher term")
            }
        }
    }

    private mutating func settle() {
        guard let committed = commits.committed else { return }
        for (number, time) in ended where number <= committed.position.number {
            worstDelay = max(worstDelay ?? .zero, now - time)
            ended[number] = nil
        }
    }
}
