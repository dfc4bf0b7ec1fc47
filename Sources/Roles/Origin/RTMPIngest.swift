// SPDX-License-Identifier: Apache-2.0

public import Access
import Identity
import Logging
import Media
import NIOCore
public import RTMP
public import Replica
public import Telemetry
import Transport

/// Hops 2 to 4 of a frame's life, for RTMP: who may publish, and what a publisher's messages become.
public struct RTMPIngest: RTMPPublishDoor {
    private let streams: LiveStreamTable
    private let policy: AccessPolicy
    private let metrics: IngestMetrics
    private let log: StormLog

    /// The door to `streams` under `policy`. A peer may come and go at any rate, so that `log` folds what is said of it.
    public init(streams: LiveStreamTable, policy: AccessPolicy, metrics: IngestMetrics, log: StormLog) {
        self.streams = streams
        self.policy = policy
        self.metrics = metrics
        self.log = log
    }

    /// Asks the policy, then the table; answers in words that the person at the encoder can use.
    public func publish(
        _ request: RTMP.PublishRequest, on connection: RTMPConnection
    ) -> Result<any RTMPIntake, RTMPRefusal> {
        let id: StreamID
        do throws(StreamID.Failure) { id = try request.streamID() } catch {
            return refuse("name", "The stream's name can not be used: \(error).")
        }
        let wish = Access.PublishRequest(
            stream: id, token: request.address["token"], key: request.address["key"] ?? request.address.name,
            address: connection.peer.description, caller: Caller(isLoopback: connection.peer.isLoopback),
            live: streams[id]?.publisher, liveElsewhere: streams.publisherElsewhere(of: id))
        switch policy.publish(wish, now: SystemClock.wall()) {
        case .refuse(let refusal): return refuse("access", "Publishing is refused: \(refusal).")
        case .allow(let identity): return open(id, identity, connection)
        }
    }

    private func open(
        _ id: StreamID, _ identity: PublisherIdentity, _ connection: RTMPConnection
    ) -> Result<any RTMPIntake, RTMPRefusal> {
        let publisher = RTMPPublisher(connection)
        switch streams.open(id, identity: identity, publisher: publisher, on: connection.eventLoop) {
        case .success(let publication):
            log.record(
                "publisher came", level: .info,
                metadata: [
                    "stream": "\(id)", "peer": "\(connection.peer)",
                ], now: SystemClock.now())
            metrics.publishersCame.add()
            return .success(RTMPPublication(publication, metrics: metrics, log: log))
        case .failure(.cutOff): return refuse("cut_off", "This origin is cut off from the others; publish to another.")
        case .failure(.nameIsLive):
            metrics.refused("name_is_live")
            return .failure(RTMPRefusal(.busy("Somebody else is publishing \(id).")))
        case .failure(.shuttingDown): return refuse("shutting_down", "The server is going down.")
        case .failure(.tooManyPublishers): return refuse("too_many", "The server takes no more publishers.")
        }
    }

    private func refuse(_ counter: String, _ text: String) -> Result<any RTMPIntake, RTMPRefusal> {
        metrics.refused(counter)
        return .failure(RTMPRefusal(.denied(text)))
    }
}

/// One publisher's messages on their way into its stream.
final class RTMPPublication: RTMPIntake {
    private let publication: Publication
    private let metrics: IngestMetrics
    private let log: StormLog
    private var media = MediaFromRTMP()
    private var found: [MediaFromRTMP.Event] = []
    private var events: [IngestEvent] = []
    private var hasLoggedDrop = false

    init(_ publication: Publication, metrics: IngestMetrics, log: StormLog) {
        self.publication = publication
        self.metrics = metrics
        self.log = log
    }

    func take(_ message: MediaMessage) throws(RTMPFailure) -> Bool {
        found.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
        try media.accept(message, into: &found)
        metrics.received(message)
        if !hasLoggedDrop, let failure = media.dropped { logDrop(failure) }
        for event in found {
            switch event {
            case .accessUnit(let unit): events.append(.accessUnit(unit))
            case .metadata(let properties): events.append(.metadata(properties.shown))
            case .parameters(let track, let sets): events.append(.parameters(track, sets))
            }
        }
        return events.isEmpty || publication.publish(events)
    }

    private func logDrop(_ failure: RTMPFailure) {
        hasLoggedDrop = true
        log.record(
            "a track can not be carried", level: .warning,
            metadata: ["stream": "\(publication.stream.id)", "reason": "\(failure.mediaFault)"],
            now: SystemClock.now())
    }

    func leave() {
        publication.leave()
        log.record(
            "publisher left", level: .info, metadata: ["stream": "\(publication.stream.id)"], now: SystemClock.now())
        metrics.publishersLeft.add()
    }
}

/// A connection as something that can be cut from any thread.
final class RTMPPublisher: Publisher {
    private let connection: NIOLoopBoundBox<RTMPConnection?>
    private let eventLoop: any EventLoop

    init(_ connection: RTMPConnection) {
        eventLoop = connection.eventLoop
        self.connection = NIOLoopBoundBox(connection, eventLoop: connection.eventLoop)
    }

    func cut(_ reason: CutReason) {
        eventLoop.execute { [self] in
            connection.value?.part(reason.sentence, reconnect: reason == .shutdown)
            connection.value = nil
        }
    }

    func move(to address: String) {
        eventLoop.execute { [self] in
            connection.value?.sendElsewhere(to: address, because: "This server goes out of service.")
        }
    }
}

extension CutReason {
    /// What the publisher is told.
    fileprivate var sentence: String {
        switch self {
        case .cutOff: "The server has lost its cluster. Please publish to another."
        case .moved: "The server goes out of service. Please publish to another."
        case .noRandomAccessPoint: "No key frame came for too long."
        case .replaced: "The stream is published on another connection now."
        case .shutdown: "The server is going down."
        case .stopped: "The stream was stopped by an operator."
        case .superseded: "The stream is published on another server now."
        case .tooFewOrigins: "Too few servers of the cluster agree. Please try again later."
        }
    }
}

extension [AMFProperty] {
    /// What of `onMetaData` may be shown: numbers, flags and short texts, and nothing that is named like a secret or holds an
    /// address, in which there may be one.
    fileprivate var shown: [String: String] {
        var shown: [String: String] = [:]
        for property in prefix(64) where !Self.secrets.contains(where: property.name.lowercased().contains) {
            switch property.value {
            case .boolean(let flag): shown[property.name] = String(flag)
            case .number(let number): shown[property.name] = String(number)
            case .string(let text) where text.utf8.count <= 128 && !Self.addresses.contains(where: text.contains):
                shown[property.name] = text
            default: break
            }
        }
        return shown
    }

    private static let addresses = ["://", "token=", "key="]
    private static let secrets = ["auth", "key", "pass", "secret", "token", "url"]
}
