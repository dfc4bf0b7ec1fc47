// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Cluster
import RTP
public import SecureMedia
public import WebRTC

/// One WebRTC viewer, from the offer to its leave: signaling over HTTP, checks, the handshake, and what comes of its media.
///
/// A shell feeds it one event, obeys every directive in order, and only then feeds the next.
public struct WHEPViewerSession: ~Copyable {
    /// What the shell is to do.
    public enum Directive: Hashable, Sendable {
        /// All is over; nothing follows.
        case end
        /// Ask this over a new connection of HTTP, in the place of what was asked before.
        case request(HTTPRequest)
        /// Send this datagram.
        case send([UInt8], Endpoint)
    }

    private var signaling: any ViewerSignaling
    private let context: DTLSContext
    private let setup: DTLSSetup
    private let isWhole: Bool
    private var party: LocalParty?
    private var phase = Phase.new
    private var checks: CheckSession?
    private var link: SecureLink?
    private var media: MediaWatch?
    private var remote: RemoteParty?
    private var steps: [CheckSession.Directive] = []
    private var asked: Duration = .zero
    private var limit: Duration?

    private enum Phase {
        /// Exit: connecting.
        case new
        /// Signaling, checks and the handshake; the last two may be done before the first. Exits: watching, leaving.
        case connecting
        /// Media may come. Exits: leaving, over.
        case watching
        /// Until the server has answered that it knows. Exit: over.
        case leaving
        /// Silent.
        case over
    }

    /// A viewer that has not begun.
    /// - Parameters:
    ///   - context: what the viewers of a thread share; its identity is theirs.
    ///   - isWhole: whether it opens all that it gets. If not, it counts packets and bytes once it has had a picture: of so
    ///     many viewers that they would have no time left, those that are whole can tell how long pictures took.
    public init(
        _ signaling: any ViewerSignaling, context: DTLSContext, setup: DTLSSetup = .either, isWhole: Bool = true
    ) {
        self.isWhole = isWhole
        self.signaling = signaling
        self.context = context
        self.setup = setup
    }

    /// Whether the handshake is done, and the viewer has not left.
    public var isWatching: Bool { if case .watching = phase { true } else { false } }

    /// Whether nothing will come of it any more.
    public var isOver: Bool { if case .over = phase { true } else { false } }

    /// When to call ``tick(now:using:tally:into:)``; nil for never.
    public var nextDeadline: Duration? {
        guard !isOver else { return nil }
        var deadline = limit
        if let due = checks?.nextDeadline { deadline = min(deadline ?? due, due) }
        if let due = link?.nextDeadline { deadline = min(deadline ?? due, due) }
        if opensAll, let due = media?.nextDeadline { deadline = min(deadline ?? due, due) }
        return deadline
    }

    /// Whether it opens what comes, so that it sees what is missing.
    public var opensAll: Bool { isWhole || !hasStarted }

    /// How long an answer over HTTP may take, a connection, and the first picture; and for a viewer that only counts, a packet.
    private static let patience: Duration = .seconds(10)
    /// How long the last answer may take.
    private static let goodbye: Duration = .seconds(5)
}

// MARK: - Signaling

extension WHEPViewerSession {
    /// Offers, or asks for an offer.
    /// - Parameter due: when it was to, where whoever runs it was late; the viewer has waited since.
    public mutating func start(
        now: Duration, due: Duration? = nil, using random: inout some RandomNumberGenerator, tally: inout PlayTally,
        into directives: inout [Directive]
    ) {
        let credentials = ICELocalCredentials.random(using: &random).credentials
        let party = LocalParty(credentials: credentials, fingerprint: context.identity.fingerprint, setup: setup)
        self.party = party
        phase = .connecting
        asked = due ?? now
        limit = now + Self.patience
        tally.joins += 1
        if !isWhole { tally.countingJoins += 1 }
        directives.append(.request(signaling.start(party)))
    }

    /// Takes the answer to the last request.
    public mutating func receive(
        _ answer: HTTPAnswer, now: Duration, using random: inout some RandomNumberGenerator,
        tally: inout PlayTally, into directives: inout [Directive]
    ) {
        if case .leaving = phase { return left(answer, &tally, &directives) }
        guard case .connecting = phase else { return }
        do throws(PlayFault) {
            switch try signaling.receive(answer) {
            case .ask(let request, let description):
                if let description { try know(description, now: now, &random, &tally, &directives) }
                directives.append(.request(request))
            case .described(let description):
                tally.answerTimes.add(now - asked)
                try know(description, now: now, &random, &tally, &directives)
            case .done: tally.answerTimes.add(now - asked)
            }
        } catch { fail(error, now: now, tally: &tally, into: &directives) }
    }

    /// Something failed that the viewer can not go on without; a request whose connection broke, for one.
    public mutating func fail(
        _ fault: PlayFault, now: Duration, tally: inout PlayTally, into directives: inout [Directive]
    ) {
        switch phase {
        case .connecting, .watching:
            tally.count(fault)
            goodbye(now: now, &tally, &directives)
        case .leaving:
            tally.count(fault)
            end(&directives)
        case .new, .over: break
        }
    }

    /// The viewer has seen enough.
    public mutating func leave(now: Duration, tally: inout PlayTally, into directives: inout [Directive]) {
        switch phase {
        case .connecting, .watching:
            if media?.started == nil {
                tally.cutShort += 1
                tally.unserved += now - asked >= PlayTally.longWait ? 1 : 0
            }
            goodbye(now: now, &tally, &directives)
        case .new: end(&directives)
        case .leaving, .over: break
        }
    }

    private mutating func know(
        _ description: SessionDescription, now: Duration, _ random: inout some RandomNumberGenerator,
        _ tally: inout PlayTally, _ directives: inout [Directive]
    ) throws(PlayFault) {
        guard checks == nil, let party else { return }
        let remote = try RemoteParty(description, setup: setup)
        self.remote = remote
        link = SecureLink(context, remote)
        var checks = CheckSession(
            local: party.credentials, remote: remote.credentials, endpoints: remote.endpoints,
            tieBreaker: random.next())
        checks.start(now: now, using: &random, into: &steps)
        self.checks = checks
        obey(now: now, &tally, &directives)
    }

    private mutating func goodbye(now: Duration, _ tally: inout PlayTally, _ directives: inout [Directive]) {
        defer { (media, checks, link) = (nil, nil, nil) }
        media?.finish(isWhole: isWhole, now: now, tally: &tally)
        // Told over DTLS first, the server would know the session no more when it is asked over HTTP.
        guard let request = signaling.leave() else {
            for datagram in link?.close() ?? [] { send(datagram, &directives) }
            return end(&directives)
        }
        phase = .leaving
        limit = now + Self.goodbye
        directives.append(.request(request))
    }

    private mutating func left(_ answer: HTTPAnswer, _ tally: inout PlayTally, _ directives: inout [Directive]) {
        if (200...299).contains(answer.status) { tally.left += 1 }
        end(&directives)
    }

    private mutating func end(_ directives: inout [Directive]) {
        phase = .over
        directives.append(.end)
    }
}

// MARK: - Datagrams

extension WHEPViewerSession {
    /// Takes a datagram, which may be changed.
    public mutating func receive(
        _ bytes: UnsafeMutableRawBufferPointer, from endpoint: Endpoint, now: Duration, tally: inout PlayTally,
        into directives: inout [Directive]
    ) {
        guard link != nil else { return }
        let octets = UnsafeBufferPointer(
            start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        let span = octets.span
        switch DatagramKind(of: span) {
        case .dtls: take(link?.receive(UnsafeRawBufferPointer(bytes), now: now) ?? [], now: now, &tally, &directives)
        case .rtcp where opensAll:
            guard let packet = link?.open(bytes, isControl: true) else { return }
            media?.receive(rtcp: packet, now: now, tally: &tally)
            report(&directives)
        case .rtp: receive(media: bytes, now: now, &tally, &directives)
        case .stun:
            checks?.receive(span, from: endpoint, now: now, into: &steps)
            obey(now: now, &tally, &directives)
        case .rtcp, .unknown: break
        }
    }

    /// Whether the first picture was there.
    private var hasStarted: Bool { media?.started != nil }

    /// Does what is due.
    public mutating func tick(
        now: Duration, using random: inout some RandomNumberGenerator, tally: inout PlayTally,
        into directives: inout [Directive]
    ) {
        if let limit, now >= limit {
            self.limit = nil
            return fail(fault, now: now, tally: &tally, into: &directives)
        }
        checks?.tick(now: now, using: &random, into: &steps)
        obey(now: now, &tally, &directives)
        take(link?.tick(now: now) ?? [], now: now, &tally, &directives)
        if opensAll, let due = media?.nextDeadline, now >= due { media?.tick(now: now, tally: &tally) }
        report(&directives)
    }

    /// What it means that the time is up.
    private var fault: PlayFault {
        switch phase {
        case .connecting: checks == nil ? .timeout : link?.address == nil ? .checks : .handshake
        case .leaving, .new, .over: .timeout
        case .watching: .silence
        }
    }

    private mutating func receive(
        media bytes: UnsafeMutableRawBufferPointer, now: Duration, _ tally: inout PlayTally,
        _ directives: inout [Directive]
    ) {
        guard media != nil else { return }
        let length = bytes.count
        guard opensAll else {
            limit = now + Self.patience
            return count(length, &tally)
        }
        guard let packet = link?.open(bytes, isControl: false) else { return tally.badPackets += 1 }
        count(length, &tally)
        media?.receive(rtp: packet, now: now, tally: &tally)
        report(&directives)
        if limit != nil, hasStarted {
            limit = isWhole ? nil : now + Self.patience
            tally.started += 1
            tally.startTimes.add(now - asked)
        }
    }

    private func count(_ length: Int, _ tally: inout PlayTally) {
        tally.packets += 1
        tally.bytes += length
        if !isWhole { tally.countingPackets += 1 }
    }

    private mutating func obey(now: Duration, _ tally: inout PlayTally, _ directives: inout [Directive]) {
        guard !steps.isEmpty else { return }
        let obeyed = steps
        steps.removeAll(keepingCapacity: true)
        for step in obeyed {
            switch step {
            case .fail: fail(.checks, now: now, tally: &tally, into: &directives)
            case .select(let endpoint):
                take(link?.begin(at: endpoint, now: now) ?? [], now: now, &tally, &directives)
            case .send(let datagram, let endpoint): directives.append(.send(datagram, endpoint))
            }
        }
    }

    private mutating func take(
        _ steps: [DTLSSession.Directive], now: Duration, _ tally: inout PlayTally, _ directives: inout [Directive]
    ) {
        for step in steps {
            switch step {
            case .closed: fail(isWatching ? .ended : .handshake, now: now, tally: &tally, into: &directives)
            case .connected(let keys): connect(keys, now: now, &tally)
            case .failed: fail(isWatching ? .ended : .handshake, now: now, tally: &tally, into: &directives)
            case .send(let datagram): send(datagram, &directives)
            }
        }
    }

    private mutating func connect(_ keys: SRTPKeys, now: Duration, _ tally: inout PlayTally) {
        guard case .connecting = phase, let remote else { return }
        link?.unlock(keys)
        phase = .watching
        limit = now + Self.patience
        media = MediaWatch(remote, source: 0x4D52_4C44, now: now)
        tally.connected += 1
        tally.connectTimes.add(now - asked)
    }

    private mutating func report(_ directives: inout [Directive]) {
        guard let reports = media?.takeReports(), !reports.isEmpty else { return }
        for report in reports {
            if let datagram = link?.protect(control: report) { send(datagram, &directives) }
        }
    }

    private func send(_ datagram: [UInt8], _ directives: inout [Directive]) {
        if let address = link?.address { directives.append(.send(datagram, address)) }
    }
}
