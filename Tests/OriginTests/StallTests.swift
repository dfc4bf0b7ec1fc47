// SPDX-License-Identifier: Apache-2.0

import Access
import Feed
import HLS
import Identity
import NIOPosix
import Origin
import Replica
import Synchronization
import Telemetry
import Testing
import Transport

@Suite("A gateway whose process stands still")
struct StallTests {
    private let cluster = PulsingCluster()
    private let table: LiveStreamTable

    init() {
        let metrics = ReplicaMetrics(MetricRegistry(families: ReplicaMetrics.families))
        table = LiveStreamTable(
            settings: LiveStreamSettings(sequencer: SequencerSettings()), replicas: ReplicaTable(), cluster: cluster
        ) { StreamReplica(id: $0, checkingOneIn: 1, settings: MediaWindowSettings(), metrics: metrics) }
    }

    private func open() throws -> LiveStream {
        let opened = table.open(
            try StreamID(parsing: "demo"), identity: PublisherIdentity(1, 2), publisher: SilentPublisher(),
            on: MultiThreadedEventLoopGroup.singleton.any())
        return try opened.get().stream
    }

    @Test("goes on by no answer to what was asked before it stood still again, but by one to what was asked since")
    func answeredBefore() throws {
        let stream = try open()
        #expect(stream.hasTerm && stream.fences.isEmpty)
        stream.fence(.clock)
        let asked = cluster.heart.stalls
        cluster.standStill()
        cluster.beat()
        // What waits at the gate is written as soon as that opens.
        table.end(stream.id, reason: .stopped)
        #expect(!stream.unfence(.clock, confirmedAfter: asked))
        #expect(stream.fences == .clock && !stream.replica.isOver && cluster.endings.withLock { $0 } == 0)
        #expect(stream.unfence(.clock, confirmedAfter: cluster.heart.stalls))
        #expect(stream.fences.isEmpty && stream.replica.isOver && cluster.endings.withLock { $0 } == 1)
    }

    @Test("goes on for no reason before its pulse has noticed that it stood still")
    func unnoticed() throws {
        let stream = try open()
        stream.fence(.clock)
        let asked = cluster.heart.stalls
        cluster.standStill()
        #expect(!stream.unfence(.clock, confirmedAfter: asked) && stream.fences == .clock)
        stream.unfence(.clock)
        #expect(stream.fences == .clock)
        cluster.beat()
        #expect(!stream.unfence(.clock, confirmedAfter: asked) && stream.fences == .clock)
        #expect(stream.unfence(.clock, confirmedAfter: cluster.heart.stalls) && stream.fences.isEmpty)
    }

    @Test("doubts its term where another reason goes while it is late")
    func otherReasons() throws {
        let stream = try open()
        stream.fence(.lease)
        cluster.standStill()
        stream.unfence(.lease)
        #expect(stream.fences == .clock)
    }

    @Test("doubts a term that it has just taken and begins late")
    func begins() throws {
        cluster.standStill()
        let stream = try open()
        #expect(stream.hasTerm && stream.fences == .clock)
    }

    @Test("counts its pauses when it beats again, and knows of one before")
    func pulse() {
        let pulse = GatewayPulse(now: .zero)
        for tick in 1...5 { pulse.beat(at: .milliseconds(200 * tick)) }
        #expect(pulse.stalls == 0 && pulse.hasRun(since: 0, at: .seconds(2)))
        #expect(!pulse.hasRun(since: 0, at: .milliseconds(2001)) && pulse.stalls == 0)
        pulse.beat(at: .milliseconds(2001))
        #expect(pulse.stalls == 1)
        #expect(!pulse.hasRun(since: 0, at: .milliseconds(2001)) && pulse.hasRun(since: 1, at: .milliseconds(2001)))
        pulse.beat(at: .milliseconds(3001))
        #expect(pulse.stalls == 1)
        pulse.beat(at: .milliseconds(4101))
        #expect(pulse.stalls == 2)
    }

    @Test("asks once at a time, and again at once after a pause, whatever the former question comes to")
    func questions() throws {
        let (stream, other) = (try StreamID(parsing: "demo"), try StreamID(parsing: "other"))
        var checks = TermChecks()
        let first = [stream, stream, other].map { checks.begin($0, after: 0) }
        #expect(first == [true, false, true])
        // The last has read the count before the pause was noticed: it comes too late.
        let second = [1, 1, 0].map { checks.begin(stream, after: $0) }
        #expect(second == [true, false, false])
        checks.end(stream, after: 0)
        let third = checks.begin(stream, after: 1)
        checks.end(stream, after: 1)
        let fourth = [stream, other].map { checks.begin($0, after: $0 == other ? 0 : 1) }
        #expect(!third && fourth == [true, false])
    }
}

/// A cluster that gives every term at once, with a pulse that is well or late whatever the time.
private final class PulsingCluster: OriginCluster {
    let heart = GatewayPulse(now: SystemClock.now() + .seconds(3600))
    let endings = Mutex(0)

    var pulse: GatewayPulse? { heart }
    var hasOthers: Bool { true }

    /// The last beat is long ago.
    func standStill() { heart.beat(at: SystemClock.now() - .seconds(5)) }

    /// It beats again, and goes on beating.
    func beat() { heart.beat(at: SystemClock.now() + .seconds(3600)) }

    func known(_ stream: StreamID) -> KnownStream? { nil }

    func take(_ stream: LiveStream, for purpose: TermPurpose, done: @escaping @Sendable (TermOutcome) -> Void) {
        done(.taken(Term(number: 5, salt: 1), packaging: 1, listed: nil))
    }

    func changed(_ stream: LiveStream) {}
    func fenced(_ stream: LiveStream) {}
    func ended(_ stream: LiveStream) { endings.withLock { $0 += 1 } }
    func gaveUp(_ stream: LiveStream) {}
}

/// A publisher that sends nothing.
private final class SilentPublisher: Publisher {
    func cut(_ reason: CutReason) {}
    func move(to address: String) {}
}
