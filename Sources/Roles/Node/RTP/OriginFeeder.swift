// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import Control
import Fanout
import Identity
import NIOCore
import Origin
import PlainRTP
import RTP
import Transport
import WebRTC

/// Makes streams of plain RTP at the origin of this node.
struct OriginFeeder: RTPFeeder {
    private let node: NodeAssembly
    private let streams: StreamDesk

    init(_ node: NodeAssembly, streams: StreamDesk) {
        self.node = node
        self.streams = streams
    }

    func feed(
        _ stream: StreamID, description: [UInt8], sources: [UInt32], sender: String?
    ) -> Result<FeedAnswer, FeedRefusal> {
        guard let sender = sender.map({ Endpoint(parsing: $0) }) ?? Endpoint(address: .v4(0), port: 0) else {
            return .failure(.malformed("source is an IP address and a port, 192.0.2.1:0 for any port"))
        }
        return offer(description, sources).flatMap { begin(stream, $0, from: sender) }
    }

    func endFeed(of stream: StreamID) -> Bool { streams.end(stream) }

    private func offer(_ text: [UInt8], _ sources: [UInt32]) -> Result<StreamOffer, FeedRefusal> {
        let description: SessionDescription
        do throws(SDPFailure) { description = try SessionDescription(parsing: text[...]) } catch {
            return .failure(.malformed("the body is no session description: \(error)"))
        }
        do throws(StreamOfferFailure) { return .success(try StreamOffer(description, sources: sources)) } catch {
            if case .codec = error { return .failure(.unsupported("\(error)")) }
            return .failure(.malformed("\(error)"))
        }
    }

    private func begin(
        _ stream: StreamID, _ offer: StreamOffer, from sender: Endpoint
    ) -> Result<FeedAnswer, FeedRefusal> {
        let door = FeedDoor(node, stream: stream, sources: offer.lines.map(\.ssrc))
        do throws(StreamRefusal) {
            let sessions = try streams.begin(stream, offer, from: sender, door: door)
            let tracks = zip(offer.lines, sessions).map { line, session in
                FeedAnswer.Track(
                    kind: line.codec.isVideo ? "video" : "audio", codec: line.codec.encodingName, ssrc: line.ssrc,
                    sessionId: session.id.description)
            }
            return .success(FeedAnswer(stream: stream, port: Int(streams.port), tracks: tracks))
        } catch {
            return .failure(FeedRefusal(error))
        }
    }
}

extension FeedRefusal {
    fileprivate init(_ refusal: StreamRefusal) {
        switch refusal {
        case .nameIsTaken: self = .taken("somebody publishes under this name")
        case .session(.sourceIsTaken): self = .taken("another stream is made of one of these sources")
        case .session(let failure): self = .tooMany("\(failure)")
        case .unavailable(let reason): self = .unavailable(reason)
        }
    }
}

/// The way of packets into their stream. Who may make it was asked by the API; the sources are who publishes.
private struct FeedDoor: StreamDoor {
    private let desk: PublisherDesk
    private let request: PublishRequest
    private let identity: PublisherIdentity
    private let group: any EventLoopGroup

    init(_ node: NodeAssembly, stream: StreamID, sources: [UInt32]) {
        desk = PublisherDesk(
            streams: node.streams, policy: node.policy, metrics: IngestMetrics(node.metrics.registry), log: node.storms)
        request = PublishRequest(
            stream: stream, token: nil, key: stream.name, address: "rtp", caller: Caller(isLoopback: false))
        let names = sources.map { "\($0)" }.joined(separator: ",")
        identity = PublisherIdentity(key: "rtp", address: names, by: node.policy.secret)
        group = node.group
    }

    func open(cut: @escaping @Sendable () -> Void, ask: @escaping @Sendable () -> Void) -> StreamAdmission {
        switch desk.open(request, identity, FeedPublisher(end: cut, ask: ask), on: group.any()) {
        case .success(let publication): .open(FeedIntake(publication: publication))
        case .failure(.nameIsLive): .nameIsTaken
        case .failure(.cutOff): .refused("this node is cut off from the others")
        case .failure(.shuttingDown): .refused("this node is going down")
        case .failure(.tooManyPublishers): .refused("this node has as many publishers as it may have")
        }
    }
}

/// Sessions as something that can be cut from any thread.
private final class FeedPublisher: Publisher {
    private let end: @Sendable () -> Void
    private let ask: @Sendable () -> Void

    init(end: @escaping @Sendable () -> Void, ask: @escaping @Sendable () -> Void) {
        self.end = end
        self.ask = ask
    }

    /// Who sends plain RTP can not be told to come back, so what may be well again in a while is tried again.
    func cut(_ reason: CutReason) {
        switch reason {
        case .replaced, .shutdown, .stopped, .superseded: end()
        case .cutOff, .moved, .noRandomAccessPoint, .tooFewOrigins: break
        }
    }

    func requestRandomAccess() { ask() }

    /// Nobody can tell a source of plain RTP.
    func move(to address: String) {}
}

/// What packets held, on its way into its stream.
private struct FeedIntake: StreamIntake {
    let publication: DeskPublication

    func take(_ events: [MediaFromRTP.Event]) -> Bool {
        let found = events.compactMap(\.ingested)
        return found.isEmpty || publication.publish(found)
    }

    func leave() { publication.leave() }
}
