// SPDX-License-Identifier: Apache-2.0

import Identity
import Logging
import NIOCore
import Origin
import Recording
import Replica
import Storage
import Synchronization
import Telemetry
import Transport

/// A node's recordings: the store, and what writes this node's streams there.
final class RecordingPart: Sendable {
    private let client: OutboundClient
    private let kit: RecordingKit
    private let base: String?
    private let catalogue: RecordingCatalogue
    private let recorders: RecorderTable
    /// What the store has of streams, for viewers who go back.
    let archive: RecordingArchive
    private let keeping = Mutex<Task<Void, Never>?>(nil)
    private let link: StreamsLink

    /// Throws what is wrong with the settings of the store; nil where there is none.
    /// - Parameter loopToken: by what this cluster's nodes know requests to the store that come back to them.
    init?(
        _ settings: NodeSettings, loopToken: String, metrics: NodeMetrics, tracer: NodeTracer?, logger: Logger
    ) throws {
        guard settings.storage.kind != .none else { return nil }
        var outbound = OutboundSettings()
        outbound.connectTimeout = min(.seconds(1), settings.storage.timeout)
        outbound.loopToken = loopToken
        client = OutboundClient(outbound, instrument: tracer)
        let counters = StoreMetrics(metrics.registry)
        guard let store = try settings.objectStore(client, metrics: counters, attempts: 1),
            let patient = try settings.objectStore(client, metrics: counters, attempts: 4),
            let quick = try settings.objectStore(client, metrics: counters, attempts: 2)
        else { return nil }
        catalogue = RecordingCatalogue(patient)
        archive = RecordingArchive(quick)
        kit = RecordingKit(
            store: store, disk: try settings.spillStore(), settings: settings.recordingSettings,
            registry: metrics.registry, log: logger, tracer: tracer, now: SystemClock.wall)
        base = settings.dvr.base
        link = StreamsLink(log: logger)
        recorders = RecorderTable(kit) { [link] stream, term, news in link.tell(stream, term, news) }
    }

    /// Tells the streams what the store has.
    func attach(_ streams: LiveStreamTable) { link.attach(streams, recorders) }

    /// Begins to look after the recordings of the store, while it is this node's turn.
    func keep(isLive: @escaping @Sendable (StreamID) -> Bool, isTurn: @escaping @Sendable () -> Bool) {
        let keeper = RecordingKeeper(catalogue, kit: kit, isLive: isLive)
        keeping.withLock { $0 = Task { await keeper.run(isTurn: isTurn) } }
    }

    /// The recordings as the control API sees them.
    func desk(isLive: @escaping @Sendable (StreamID) -> Bool) -> StoreDesk {
        StoreDesk(catalogue: catalogue, kit: kit, base: base, isLive: isLive)
    }

    /// What is wrong with the store, in a word; nil where nothing is.
    var trouble: String? { kit.alarm.reason }

    /// A stream's term began here, or something else about it changed.
    func follow(_ stream: LiveStream) {
        if stream.hasTerm, !stream.isYielded { recorders.record(stream.id, in: stream.term, from: stream.replica) }
    }

    /// Whether something of a stream is still to be written.
    func isWriting(_ stream: StreamID) -> Bool { recorders.streams.contains(stream) }

    /// Another node has the stream.
    func yield(_ stream: LiveStream) { recorders.stop(stream.id) }

    /// Writes to its end what has ended, as far as the time allows.
    func stop(within time: Duration) async {
        keeping.withLock { $0 }?.cancel()
        await recorders.drain(within: time)
        client.close()
    }
}

/// The table of streams as recorders see it, which is made after them.
private final class StreamsLink: Sendable {
    private struct State: Sendable {
        weak var streams: LiveStreamTable?
        weak var recorders: RecorderTable?
        /// When a stream was last fenced.
        var fenced: [StreamID: Duration] = [:]
    }

    private let log: Logger
    private let state = Mutex(State())

    init(log: Logger) { self.log = log }

    func attach(_ streams: LiveStreamTable, _ recorders: RecorderTable) {
        state.withLock {
            $0.streams = streams
            $0.recorders = recorders
        }
    }

    func tell(_ id: StreamID, _ term: Term, _ news: UploadNews) {
        switch news {
        case .done: break
        case .stored(let msn): stream(id)?.stored(msn, in: term)
        case .fenced(let higher):
            if !isAbove(id, term, higher) { state.withLock { $0.recorders }?.refuse(id, in: term) }
        }
    }

    private func stream(_ id: StreamID) -> LiveStream? { state.withLock { $0.streams }?[id] }

    /// Somebody wrote to the store in a higher term: the stream is theirs, or this node goes on above it. Where that comes
    /// again at once, two clusters write to one bucket, and this one stops recording the stream. An earlier life of a stream
    /// is nobody's any more.
    private func isAbove(_ id: StreamID, _ term: Term, _ higher: Term) -> Bool {
        let metadata: Logger.Metadata = ["stream": "\(id)", "term": "\(higher)"]
        log.warning("the store has a higher term of a stream", metadata: metadata)
        guard let streams = state.withLock({ $0.streams }), let stream = streams[id], stream.term == term else {
            return false
        }
        let now = SystemClock.now()
        let isRepeated = state.withLock { state in
            state.fenced = state.fenced.filter { $0.value + Self.memory > now }
            return state.fenced.updateValue(now, forKey: id) != nil
        }
        guard !isRepeated else {
            log.error(
                "the stream is not recorded any more: others write it to the same store", metadata: metadata)
            return false
        }
        if streams.outdo(stream, higher) { return true }
        log.error("the stream is not recorded in this term: it can not take one above now", metadata: metadata)
        return false
    }

    private static let memory: Duration = .seconds(60)
}

/// An origin's cluster, beside which recorders follow the streams.
struct RecordedOrigin: OriginCluster {
    private let origin: any OriginCluster
    private let recorders: RecordingPart

    init(_ origin: any OriginCluster, recorders: RecordingPart) {
        self.origin = origin
        self.recorders = recorders
    }

    var pulse: GatewayPulse? { origin.pulse }

    var hasOthers: Bool { origin.hasOthers }

    func known(_ stream: StreamID) -> KnownStream? { origin.known(stream) }

    func take(_ stream: LiveStream, for purpose: TermPurpose, done: @escaping @Sendable (TermOutcome) -> Void) {
        origin.take(stream, for: purpose, done: done)
    }

    func changed(_ stream: LiveStream) {
        origin.changed(stream)
        recorders.follow(stream)
    }

    func fenced(_ stream: LiveStream) { origin.fenced(stream) }

    func ended(_ stream: LiveStream) { origin.ended(stream) }

    func gaveUp(_ stream: LiveStream) {
        recorders.yield(stream)
        origin.gaveUp(stream)
    }
}
