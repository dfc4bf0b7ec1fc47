// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import Feed
import HLS
import Identity
import Media
import NIOPosix
import Origin
import Replica
import Synchronization
import Telemetry
import TestKit
import Testing

@Suite("An origin that ends")
struct ClosingTests {
    private let cluster: PatientCluster
    private let table: LiveStreamTable
    private let publisher = SilentPublisher()

    init() {
        let registry = MetricRegistry(families: ReplicaMetrics.families)
        let metrics = ReplicaMetrics(registry)
        let cluster = PatientCluster()
        self.cluster = cluster
        table = LiveStreamTable(
            settings: LiveStreamSettings(sequencer: SequencerSettings()), replicas: ReplicaTable(), cluster: cluster
        ) { StreamReplica(id: $0, checkingOneIn: 1, settings: MediaWindowSettings(), metrics: metrics) }
    }

    private func open() throws -> LiveStream {
        let opened = table.open(
            try StreamID(parsing: "demo"), identity: PublisherIdentity(1, 2), publisher: publisher,
            on: MultiThreadedEventLoopGroup.singleton.any())
        return try opened.get().stream
    }

    @Test("ends no stream that another node could go on with, though nobody holds it beside this one")
    func others() throws {
        cluster.others.withLock { $0 = true }
        let stream = try open()
        cluster.answer(Term(number: 5, salt: 1))
        #expect(stream.hasTerm && !stream.isHeldElsewhere)
        table.close()
        #expect(publisher.cuts.withLock { $0 } == [.moved])
        #expect(stream.presence == .absent && !stream.replica.isOver && cluster.endings.withLock { $0 } == 0)
    }

    @Test("ends its streams where nobody is left to go on")
    func alone() throws {
        let stream = try open()
        cluster.answer(Term(number: 5, salt: 1))
        table.close()
        #expect(publisher.cuts.withLock { $0 } == [.shutdown])
        #expect(stream.presence == .ended && stream.replica.isOver && cluster.endings.withLock { $0 } == 1)
    }

    @Test("leaves a term that is being taken, and ends nothing in it when it comes")
    func taking() throws {
        cluster.others.withLock { $0 = true }
        let stream = try open()
        table.close()
        #expect(publisher.cuts.withLock { $0 } == [.shutdown] && stream.isYielded)
        cluster.answer(Term(number: 5, salt: 1))
        #expect(!stream.hasTerm && !stream.replica.isOver && cluster.endings.withLock { $0 } == 0)
        #expect(table.all.isEmpty && cluster.departures.withLock { $0 } == 1)
    }
}

/// A cluster that gives a term when it is told to.
private final class PatientCluster: OriginCluster {
    let others = Mutex(false)
    let endings = Mutex(0)
    let departures = Mutex(0)
    private let waiting = Mutex<(@Sendable (TermOutcome) -> Void)?>(nil)

    var pulse: GatewayPulse? { nil }
    var hasOthers: Bool { others.withLock { $0 } }

    func known(_ stream: StreamID) -> KnownStream? { nil }

    func take(_ stream: LiveStream, for purpose: TermPurpose, done: @escaping @Sendable (TermOutcome) -> Void) {
        waiting.withLock { $0 = done }
    }

    func answer(_ term: Term) {
        let done = waiting.withLock { $0.take() }
        done?(.taken(term, packaging: 1, listed: nil))
    }

    func changed(_ stream: LiveStream) {}
    func fenced(_ stream: LiveStream) {}
    func ended(_ stream: LiveStream) { endings.withLock { $0 += 1 } }
    func gaveUp(_ stream: LiveStream) { departures.withLock { $0 += 1 } }
}

/// A publisher that sends nothing.
private final class SilentPublisher: Publisher {
    let cuts = Mutex<[CutReason]>([])

    func cut(_ reason: CutReason) { cuts.withLock { $0.append(reason) } }
    func move(to address: String) {}
}
