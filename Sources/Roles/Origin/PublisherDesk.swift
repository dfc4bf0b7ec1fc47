// SPDX-License-Identifier: Apache-2.0

public import Access
import Identity
import Logging
public import NIOCore
public import Telemetry
import Transport

/// Hops 2 to 4 of a frame's life for protocols other than RTMP: who may publish, and where the media goes.
public struct PublisherDesk: Sendable {
    private let streams: LiveStreamTable
    private let policy: AccessPolicy
    private let metrics: IngestMetrics
    private let log: StormLog

    /// The desk before `streams` under `policy`. Publishers may come and go at any rate, so that `log` folds what is said
    /// of them.
    public init(streams: LiveStreamTable, policy: AccessPolicy, metrics: IngestMetrics, log: StormLog) {
        self.streams = streams
        self.policy = policy
        self.metrics = metrics
        self.log = log
    }

    /// Who the publisher is, if it may publish.
    public func identity(_ request: PublishRequest) -> Result<PublisherIdentity, AccessRefusal> {
        var request = request
        request.live = streams[request.stream]?.publisher
        request.liveElsewhere = streams.publisherElsewhere(of: request.stream)
        switch policy.publish(request, now: SystemClock.wall()) {
        case .allow(let identity): return .success(identity)
        case .refuse(let refusal):
            metrics.refused("access")
            return .failure(refusal)
        }
    }

    /// Lets a publisher in. Its stream's timers run on `eventLoop`.
    public func open(
        _ request: PublishRequest, _ identity: PublisherIdentity, _ publisher: any Publisher,
        on eventLoop: any EventLoop
    ) -> Result<DeskPublication, PublishRefusal> {
        switch streams.open(request.stream, identity: identity, publisher: publisher, on: eventLoop) {
        case .success(let publication):
            note("publisher came", request.stream, ["peer": "\(request.address)"])
            metrics.publishersCame.add()
            return .success(DeskPublication(publication: publication, desk: self))
        case .failure(let refusal):
            metrics.refused(refusal.counterName)
            return .failure(refusal)
        }
    }

    fileprivate func left(_ stream: StreamID) {
        note("publisher left", stream)
        metrics.publishersLeft.add()
    }

    private func note(_ message: String, _ stream: StreamID, _ facts: Logger.Metadata = [:]) {
        log.record(
            message, level: .info, metadata: facts.merging(["stream": "\(stream)"]) { $1 }, now: SystemClock.now())
    }
}

/// One publisher's right to feed its stream.
public struct DeskPublication: Sendable {
    private let publication: Publication
    private let desk: PublisherDesk

    fileprivate init(publication: Publication, desk: PublisherDesk) {
        self.publication = publication
        self.desk = desk
    }

    /// Feeds the stream. Returns false where the right is over; the session should end.
    public func publish(_ events: [IngestEvent]) -> Bool { publication.publish(events) }

    /// The publisher is gone.
    public func leave() {
        publication.leave()
        desk.left(publication.stream.id)
    }
}

extension PublishRefusal {
    fileprivate var counterName: String {
        switch self {
        case .cutOff: "cut_off"
        case .nameIsLive: "name_is_live"
        case .shuttingDown: "shutting_down"
        case .tooManyPublishers: "too_many"
        }
    }
}
