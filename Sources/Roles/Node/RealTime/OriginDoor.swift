// SPDX-License-Identifier: Apache-2.0

import Access
import Foundation
import Identity
import NIOCore
import Origin
import RTP
import RealTime
import Router
import Transport
import WebRTC

/// Where publishers come in by WHIP: the origin of this node, or the way to another.
struct OriginDoor: PublisherDoor {
    /// nil where the node is no origin.
    let desk: PublisherDesk?
    /// nil where the node is in no cluster.
    let router: RouterDesk?
    let group: any EventLoopGroup

    func circumstance(of caller: SignalingCaller) -> SignalingCircumstance {
        guard let desk else { return elsewhere(caller) }
        switch desk.identity(request(caller)) {
        case .success: return .ready
        case .failure(let refusal): return refusal.circumstance
        }
    }

    func open(
        _ caller: SignalingCaller, cut: @escaping @Sendable () -> Void, ask: @escaping @Sendable () -> Void
    ) -> PublisherAdmission {
        let request = request(caller)
        guard let desk else { return .stop(elsewhere(caller)) }
        switch desk.identity(request) {
        case .failure(let refusal): return .stop(refusal.circumstance)
        case .success(let identity):
            switch desk.open(request, identity, SessionPublisher(end: cut, ask: ask), on: group.any()) {
            case .success(let publication): return .open(PublicationIntake(publication: publication))
            case .failure(.nameIsLive): return .stop(.nameTaken)
            case .failure(.cutOff), .failure(.shuttingDown), .failure(.tooManyPublishers):
                return .stop(.overloaded(retryAfter: .seconds(2)))
            }
        }
    }

    private func elsewhere(_ caller: SignalingCaller) -> SignalingCircumstance {
        guard let url = router?.publisherWebURL(for: caller.stream), !caller.hasBeenSent else {
            return .overloaded(retryAfter: .seconds(2))
        }
        return .elsewhere(caller.location(at: url, sentBy: "router", token: caller.token))
    }

    private func request(_ caller: SignalingCaller) -> PublishRequest {
        PublishRequest(
            stream: caller.stream, token: caller.token, key: caller.stream.name, address: caller.peer.description,
            caller: caller.caller)
    }
}

/// A session as something that can be cut from any thread.
private final class SessionPublisher: Publisher {
    private let end: @Sendable () -> Void
    private let ask: @Sendable () -> Void

    init(end: @escaping @Sendable () -> Void, ask: @escaping @Sendable () -> Void) {
        self.end = end
        self.ask = ask
    }

    func cut(_ reason: CutReason) { end() }

    func requestRandomAccess() { ask() }

    /// WHIP has no word for it.
    func move(to address: String) {}
}

/// What a session's packets held, on its way into its stream.
private struct PublicationIntake: MediaIntake {
    let publication: DeskPublication

    func take(_ events: [MediaFromRTP.Event]) -> Bool {
        let found = events.compactMap(\.ingested)
        return found.isEmpty || publication.publish(found)
    }

    func leave() { publication.leave() }
}

extension MediaFromRTP.Event {
    /// The same as a stream takes it; nil for what is asked of the publisher.
    var ingested: IngestEvent? {
        switch self {
        case .accessUnit(let unit): .accessUnit(unit)
        case .layer(let track): .layer(track)
        case .parameters(let track, let sets): .parameters(track, sets)
        case .randomAccessWanted: nil
        }
    }
}

extension AccessRefusal {
    /// The same in words of WHIP and WHEP: who shows nothing, or nothing that we made, is to show something.
    var circumstance: SignalingCircumstance {
        switch self {
        case .tokenMissing, .token: .unauthorized(description)
        case .roleTooLow: .forbidden(description)
        }
    }
}

extension SignalingCaller {
    /// Whether a node has sent the caller here already.
    var hasBeenSent: Bool { query.split(separator: "&").contains { $0.hasPrefix("via=") } }

    /// Whether the caller comes from a node of this URL that it hears nothing of any more, as `avoid=HOST:PORT` says:
    /// a viewer knows of an edge's death seconds before its members believe it.
    func avoids(_ url: String) -> Bool {
        query.split(separator: "&").contains { part in
            let host = part.hasPrefix("avoid=") ? part.dropFirst("avoid=".count).removingPercentEncoding : nil
            return host.map { url.hasSuffix("//\($0)") } ?? false
        }
    }

    /// Where the caller is sent: clients do not take their token along to another host, so that it stands in the query.
    func location(at base: String, sentBy sender: String, token: String?) -> String {
        "\(base)\(path)?via=\(sender)" + (token.map { "&token=\($0)" } ?? "")
    }
}
