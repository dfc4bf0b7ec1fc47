// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import Feed
import HLS
import Identity
import Media
import Replica
import SecureMedia
import Synchronization
import Telemetry
import Transport
import WebRTC

/// The door of WHIP and WHEP: offers become sessions, which are parked until a thread of the UDP port adopts them. Any
/// thread may call.
final class SignalingFront: Sendable {
    let table: SessionTable
    private let settings: RealTimeSettings
    private let viewers: (any ViewerDoor)?
    private let publishers: (any PublisherDoor)?
    private let metrics: RealTimeMetrics
    private let threads: ThreadGroup
    private let streams: StreamDoor
    private let sounds: SoundTable
    private let log: RealTimeLog
    private let limiter: Mutex<AdmissionTable>
    private let identity = IdentityKeeper()

    init(
        _ settings: RealTimeSettings, viewers: (any ViewerDoor)?, publishers: (any PublisherDoor)?,
        table: SessionTable, threads: ThreadGroup, streams: StreamDoor, sounds: SoundTable, metrics: RealTimeMetrics,
        log: RealTimeLog
    ) {
        self.settings = settings
        self.viewers = viewers
        self.publishers = publishers
        self.table = table
        self.threads = threads
        self.streams = streams
        self.sounds = sounds
        self.log = log
        self.metrics = metrics
        limiter = Mutex(
            AdmissionTable(
                limits: AdmissionLimits(
                    connections: 1, ratePerAddress: settings.offersPerAddress, trusted: settings.trustedAddresses)))
    }

    /// Answers a request.
    /// - Parameters:
    ///   - base: scheme and authority by which this node is reached, without a slash at the end.
    func respond(
        to request: SignalingRequest, for target: SignalingTarget, from caller: SignalingCaller, base: String
    ) async -> SignalingResponse {
        if let id = target.session {
            return target.isLayer ? layer(request, target, id) : respond(to: request, for: target, id: id)
        }
        guard request.method == .post else {
            return endpointResponse(to: request, target.kind, .ready)
        }
        let response = await answer(request, target, caller, base)
        metrics.offered(target.kind, status: response.status)
        return response
    }

    /// Ends a session, wherever it is.
    func close(_ id: SignalingSessionID, _ end: SessionEnd) {
        table.close(id).map { obey($0, id, end) }
    }

    /// Asks a publisher for a random access point, once it is connected.
    private func requestRandomAccess(of id: SignalingSessionID) {
        guard let thread = table.thread(of: id) else { return }
        threads.submit(to: thread) { loop, now in loop.requestRandomAccess(id, now: now) }
    }

    /// Ends the sessions to which nobody came. Call about once a second.
    func sweep(now: Duration) {
        for session in table.takeExpired(now: now) {
            session.plan.leave()
            metrics.ended(.neverChecked)
        }
    }
}

// MARK: - A session's own requests

extension SignalingFront {
    private func respond(
        to request: SignalingRequest, for target: SignalingTarget, id: SignalingSessionID
    ) -> SignalingResponse {
        let (response, command) = table.receive(request, for: target, id: id, now: SystemClock.now())
        if let command { obey(command, id, .deleted) }
        return response
    }

    /// Answers a viewer who asks for a layer, or which there are.
    private func layer(
        _ request: SignalingRequest, _ target: SignalingTarget, _ id: SignalingSessionID
    ) -> SignalingResponse {
        guard let (replica, mediaID, thread) = table.viewing(id, target) else { return .unknownSession }
        let layers = SignalingLayers(mediaID: mediaID, layers: replica.layers)
        switch layers.directive(for: request, wish: LayerWish(json: request.body)) {
        case .respond(let response): return response
        case .ask(let name, let response):
            guard let thread else {
                return .problem(409, "the session is not connected yet", [("Retry-After", "1")])
            }
            let layer = name.flatMap { RenditionName(parsing: $0) }
            threads.submit(to: thread) { loop, now in loop.ask(id, for: layer, now: now) }
            return response
        }
    }

    private func obey(_ command: SessionTable.Command, _ id: SignalingSessionID, _ end: SessionEnd) {
        switch command {
        case .close(let session):
            session.plan.leave()
            metrics.ended(end)
        case .closeAt(let thread): threads.submit(to: thread) { loop, now in loop.close(id, end, now: now) }
        case .restartAt(let thread, let credentials):
            threads.submit(to: thread) { loop, now in loop.restart(id, credentials, now: now) }
        }
    }
}

// MARK: - Offers

extension SignalingFront {
    private func endpointResponse(
        to request: SignalingRequest, _ kind: SignalingProtocol, _ circumstance: SignalingCircumstance
    ) -> SignalingResponse {
        switch SignalingEndpoint.directive(for: request, by: kind, circumstance: circumstance) {
        case .respond(let response): response
        case .negotiate: preconditionFailure("an offer is no refusal: \(circumstance)")
        }
    }

    private func answer(
        _ request: SignalingRequest, _ target: SignalingTarget, _ caller: SignalingCaller, _ base: String
    ) async -> SignalingResponse {
        let offering = Offering(request: request, target: target, caller: caller, base: base)
        if let circumstance = limit(caller) { return endpointResponse(to: request, target.kind, circumstance) }
        switch target.kind {
        case .whep: return await view(offering)
        case .whip: return publish(offering)
        }
    }

    private func limit(_ caller: SignalingCaller) -> SignalingCircumstance? {
        let refusal = limiter.withLock { limiter in
            let refusal = limiter.admit(caller.peer, now: SystemClock.now())
            if refusal == nil { limiter.release() }
            return refusal
        }
        if refusal != nil { return .rateLimited(retryAfter: .seconds(1)) }
        return nil
    }

    private func view(_ offering: Offering) async -> SignalingResponse {
        let request = offering.request
        guard let viewers else {
            return endpointResponse(to: request, .whep, .unknownStream("this node has no viewers"))
        }
        switch viewers.admit(offering.caller) {
        case .stop(let circumstance): return endpointResponse(to: request, .whep, circumstance)
        case .here(let replica):
            guard table.hasRoom else { return endpointResponse(to: request, .whep, Self.full) }
            switch SignalingEndpoint.directive(for: request, by: .whep, circumstance: .ready) {
            case .respond(let response): return response
            case .negotiate(let offer):
                guard let tracks = await tracks(of: replica) else {
                    return endpointResponse(to: request, .whep, .noSource(retryAfter: .seconds(2)))
                }
                if let reason = table.refusal(of: replica) {
                    return .problem(422, "the video of this stream can not be sent: \(reason)")
                }
                return view(offer, tracks, of: replica, viewers, offering)
            }
        }
    }

    private func view(
        _ offer: SessionDescription, _ tracks: [Track], of replica: StreamReplica, _ viewers: any ViewerDoor,
        _ offering: Offering
    ) -> SignalingResponse {
        var draft = SessionDraft(candidates: candidates(for: offering.caller), identity: identity.current())
        let negotiated: NegotiatedSession
        do {
            negotiated = try draft.answer(viewing: offer, sounds.offered(tracks, of: replica))
        } catch {
            return .refused(error)
        }
        let viewer = draft.viewerNumber
        guard viewers.welcome(viewer, to: replica) else {
            return endpointResponse(to: offering.request, .whep, Self.full)
        }
        let plan = ViewerPlan(
            replica: replica, viewer: viewer, tracks: negotiated.tracks, beginnings: draft.beginnings(negotiated),
            leave: { viewers.farewell(viewer, from: replica) })
        return park(draft, negotiated, .viewer(plan), offering)
            .adding(soundNote(offer, tracks, negotiated, of: replica))
    }

    /// Begins to make what a viewer is to hear; where he wants to and will not, why.
    private func soundNote(
        _ offer: SessionDescription, _ tracks: [Track], _ negotiated: NegotiatedSession, of replica: StreamReplica
    ) -> SignalingResponse.Field? {
        guard tracks.contains(where: { $0.codec == .aac }), offer.media.contains(where: { $0.kind == .audio })
        else { return nil }
        guard !negotiated.tracks.contains(where: { $0.codec.kind == .audio }) else {
            sounds.prepare(replica)
            return nil
        }
        let reason = sounds.obstacle(of: replica)
        sounds.metrics.silentAnswers.add()
        log.warning("WHEP viewers do not hear a stream", replica.id, ["reason": reason])
        return SignalingResponse.Field(name: "X-Millrace-Note", value: "no sound: \(reason)")
    }

    private func publish(_ offering: Offering) -> SignalingResponse {
        let request = offering.request
        guard let publishers else {
            return endpointResponse(to: request, .whip, .unknownStream("this node has no publishers"))
        }
        var circumstance = publishers.circumstance(of: offering.caller)
        if circumstance == .ready, !table.hasRoom { circumstance = Self.full }
        switch SignalingEndpoint.directive(for: request, by: .whip, circumstance: circumstance) {
        case .respond(let response): return response
        case .negotiate(let offer): return publish(offer, publishers, offering)
        }
    }

    private func publish(
        _ offer: SessionDescription, _ publishers: any PublisherDoor, _ offering: Offering
    ) -> SignalingResponse {
        var draft = SessionDraft(candidates: candidates(for: offering.caller), identity: identity.current())
        let negotiated: NegotiatedSession
        do {
            negotiated = try draft.answer(publishing: offer)
        } catch {
            return .refused(error)
        }
        let id = draft.id
        let admission = publishers.open(
            offering.caller, cut: { [weak self] in self?.close(id, .cut) },
            ask: { [weak self] in self?.requestRandomAccess(of: id) })
        switch admission {
        case .stop(let circumstance): return endpointResponse(to: offering.request, .whip, circumstance)
        case .open(let intake):
            let plan = PublisherPlan(intake: intake, tracks: negotiated.tracks, source: draft.reportSource)
            return park(draft, negotiated, .publisher(plan), offering)
        }
    }

    private func park(
        _ draft: SessionDraft, _ negotiated: NegotiatedSession, _ plan: SessionPlan, _ offering: Offering
    ) -> SignalingResponse {
        let signaling = SignalingSession(id: draft.id, negotiated: negotiated, local: draft.local)
        var ice = ICESettings()
        ice.firstCheckTimeout = settings.connectTimeout
        ice.consentTimeout = settings.consentTimeout
        table.park(
            draft.session(negotiated, plan, ice, now: SystemClock.now()), signaling, draft.local, at: offering.target)
        let location = "\(offering.base)\(offering.caller.path)/\(draft.id)"
        var extensions: [(url: String, name: String)] = []
        if case .viewer(let plan) = plan, plan.replica.layers.count > 1 {
            extensions.append(("\(location)/layer", "core:layer"))
        }
        return SignalingEndpoint.created(
            signaling, answer: negotiated.answer, location: location, iceServers: iceServers, extensions: extensions)
    }

    /// The tracks as the stream has them now. A stream that other nodes are asked for has a moment to come.
    private func tracks(of replica: StreamReplica) async -> [Track]? {
        let end = SystemClock.now() + Self.patience
        while replica.parameters == nil, replica.isExpected, SystemClock.now() < end {
            try? await Task.sleep(for: .milliseconds(20))
        }
        guard !replica.isOver else { return nil }
        return replica.parameters?.tracks
    }

    /// A caller from this machine is told of its loopback addresses too.
    private func candidates(for caller: SignalingCaller) -> [ICECandidate] {
        let addresses =
            settings.publicAddresses.isEmpty
            ? MachineAddresses.all(withLoopback: caller.peer.isLoopback) : settings.publicAddresses
        func endpoints(at port: Int) -> [Endpoint] {
            addresses.map { Endpoint(address: $0, port: UInt16(clamping: port)) }
        }
        return ICECandidate.hosts(udp: endpoints(at: threads.port), tcp: streams.port.map(endpoints) ?? [])
    }

    private var iceServers: [ICEServer] {
        let credentials = settings.turnSecret.map {
            TURNCredentials(
                secret: $0, name: "millrace", until: SystemClock.wall().advanced(by: settings.turnLife))
        }
        return settings.iceServers.compactMap { url in
            ICEServer(url: url, credentials: url.hasPrefix("turn") ? credentials : nil)
        }
    }

    private static let full = SignalingCircumstance.overloaded(retryAfter: .seconds(2))
    /// How long a viewer waits for a stream that is fetched from another node.
    private static let patience: Duration = .seconds(3)
}

extension StreamReplica {
    /// The layers of the pictures, as viewers are told of them.
    fileprivate var layers: [SignalingLayers.Layer] {
        let rates = variants.map { ($0.rendition, UInt64(clamping: $0.averageBandwidth)) }
        return (parameters?.tracks ?? []).compactMap { track in
            guard case .video(let video) = track.parameters else { return nil }
            return SignalingLayers.Layer(
                encodingID: track.rendition.description, width: video.width, height: video.height,
                bitsPerSecond: rates.first { $0.0 == track.rendition }?.1 ?? 0)
        }
    }
}

/// A request with an offer, and whose it is.
private struct Offering {
    let request: SignalingRequest
    let target: SignalingTarget
    let caller: SignalingCaller
    let base: String
}
