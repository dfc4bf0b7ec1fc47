// SPDX-License-Identifier: Apache-2.0

public import Cluster
import RTP
public import SecureMedia
import WebRTC

/// One WHIP publisher (RFC 9725) of a clip's pictures, from the offer to its leave: signaling over HTTP, checks, the
/// handshake, media and what is asked for again.
///
/// A shell feeds it one event, obeys every directive in order, and only then feeds the next; once it may publish, it asks
/// for media whenever that is due.
public struct WHIPPublisherSession: ~Copyable {
    /// What the shell is to do.
    public enum Directive: Hashable, Sendable {
        /// All is over; nothing follows.
        case end
        /// The stream is lost, for this reason; its end follows.
        case fail(PlayFault)
        /// The server takes media from now on.
        case publish
        /// Ask this over a new connection of HTTP, in the place of what was asked before.
        case request(HTTPRequest)
        /// Send this datagram.
        case send([UInt8], Endpoint)
    }

    private var signaling: WHEPSignaling
    private let pictures: ClipPictures
    private let context: DTLSContext
    private let source: UInt32
    private var party: LocalParty?
    private var phase = Phase.new
    private var checks: CheckSession?
    private var link: SecureLink?
    private var format: SendFormat?
    private var sender: PictureSender?
    private var steps: [CheckSession.Directive] = []
    private var limit: Duration?
    /// Whether it was told that the stream is lost.
    private var hasFailed = false

    private enum Phase {
        /// Exit: connecting.
        case new
        /// Signaling, checks and the handshake. Exits: publishing, leaving, over.
        case connecting
        /// Media goes. Exits: leaving, over.
        case publishing
        /// Until the server has answered that it knows. Exit: over.
        case leaving
        /// Silent.
        case over
    }

    /// A publisher that has not begun.
    /// - Parameters:
    ///   - pictures: those of its clip, from the beginning.
    ///   - source: the SSRC of its packets; the one behind it is that of those that are sent again.
    ///   - context: what the publishers of a thread share; its identity is theirs.
    public init(_ signaling: WHEPSignaling, pictures: ClipPictures, source: UInt32, context: DTLSContext) {
        self.signaling = signaling
        self.pictures = pictures
        self.source = source
        self.context = context
    }

    /// Whether nothing will come of it any more.
    public var isOver: Bool { if case .over = phase { true } else { false } }

    /// Where media goes; nil where none may.
    public var address: Endpoint? { sender == nil ? nil : link?.address }

    /// When to call ``next(stamp:now:into:)``; nil where no media may go.
    public var due: Duration? { sender?.due }

    /// When to call ``tick(now:using:into:)``; nil for never.
    public var nextDeadline: Duration? {
        guard !isOver else { return nil }
        var deadline = limit
        if let due = checks?.nextDeadline { deadline = min(deadline ?? due, due) }
        if let due = link?.nextDeadline { deadline = min(deadline ?? due, due) }
        if let due = sender?.nextDeadline { deadline = min(deadline ?? due, due) }
        return deadline
    }

    /// How long the way to the first packet may take.
    private static let patience: Duration = .seconds(10)
    /// How long the last answer may take.
    private static let goodbye: Duration = .seconds(5)
}

// MARK: - Signaling

extension WHIPPublisherSession {
    /// Offers.
    public mutating func start(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        let credentials = ICELocalCredentials.random(using: &random).credentials
        let party = LocalParty(credentials: credentials, fingerprint: context.identity.fingerprint)
        self.party = party
        phase = .connecting
        limit = now + Self.patience
        directives.append(.request(signaling.start(offer: party.offer(of: pictures, source: source, repair: repair))))
    }

    /// Takes the answer to the last request.
    public mutating func receive(
        _ answer: HTTPAnswer, now: Duration, using random: inout some RandomNumberGenerator,
        into directives: inout [Directive]
    ) {
        if case .leaving = phase { return left(answer, &directives) }
        guard case .connecting = phase else { return }
        do throws(PlayFault) {
            switch try signaling.receive(answer) {
            case .ask(let request, _): directives.append(.request(request))
            case .described(let description): try know(description, now: now, &random, &directives)
            case .done: break
            }
        } catch { fail(error, now: now, into: &directives) }
    }

    /// Something failed that the publisher can not go on without; a request whose connection broke, for one.
    public mutating func fail(_ fault: PlayFault, now: Duration, into directives: inout [Directive]) {
        switch phase {
        case .connecting, .publishing:
            tell(fault, &directives)
            goodbye(now: now, &directives)
        case .leaving:
            tell(fault, &directives)
            end(&directives)
        case .new, .over: break
        }
    }

    /// The publisher ends its stream.
    public mutating func leave(now: Duration, into directives: inout [Directive]) {
        switch phase {
        case .connecting, .publishing: goodbye(now: now, &directives)
        case .new: end(&directives)
        case .leaving, .over: break
        }
    }

    private var repair: UInt32 { source &+ 1 }

    private mutating func know(
        _ description: SessionDescription, now: Duration, _ random: inout some RandomNumberGenerator,
        _ directives: inout [Directive]
    ) throws(PlayFault) {
        guard checks == nil, let party else { return }
        let remote = try RemoteParty(description, setup: party.setup)
        guard let format = remote.sendFormat(pictures.codec, source: source, repair: repair) else { throw .description }
        self.format = format
        link = SecureLink(context, remote)
        var checks = CheckSession(
            local: party.credentials, remote: remote.credentials, endpoints: remote.endpoints,
            tieBreaker: random.next())
        checks.start(now: now, using: &random, into: &steps)
        self.checks = checks
        obey(now: now, &directives)
    }

    private mutating func goodbye(now: Duration, _ directives: inout [Directive]) {
        defer { (sender, checks, link) = (nil, nil, nil) }
        // Told over DTLS first, the server would know the session no more when it is asked over HTTP.
        guard let request = signaling.leave() else {
            for datagram in link?.close() ?? [] { send(datagram, &directives) }
            return end(&directives)
        }
        phase = .leaving
        limit = now + Self.goodbye
        directives.append(.request(request))
    }

    private mutating func left(_ answer: HTTPAnswer, _ directives: inout [Directive]) {
        if !(200...299).contains(answer.status) { tell(answer.status >= 500 ? .server : .refused, &directives) }
        end(&directives)
    }

    /// Once: a server that has ended the session itself knows nothing of it when it is asked to end it.
    private mutating func tell(_ fault: PlayFault, _ directives: inout [Directive]) {
        guard !hasFailed else { return }
        hasFailed = true
        directives.append(.fail(fault))
    }

    private mutating func end(_ directives: inout [Directive]) {
        phase = .over
        directives.append(.end)
    }
}

// MARK: - Datagrams

extension WHIPPublisherSession {
    /// Appends the datagrams of the next unit, to be sent to ``address``; none for a unit of sound, and where none is due.
    /// - Parameter stamp: what is written over the end of a picture; nil for nothing.
    public mutating func next(stamp: Duration?, now: Duration, into datagrams: inout [[UInt8]]) {
        sender?.next(stamp: stamp, now: now, into: &datagrams)
    }

    /// Takes a datagram, which may be changed.
    public mutating func receive(
        _ bytes: UnsafeMutableRawBufferPointer, from endpoint: Endpoint, now: Duration,
        into directives: inout [Directive]
    ) {
        guard link != nil else { return }
        let octets = UnsafeBufferPointer(
            start: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        let span = octets.span
        switch DatagramKind(of: span) {
        case .dtls: take(link?.receive(UnsafeRawBufferPointer(bytes), now: now) ?? [], now: now, &directives)
        case .rtcp:
            guard let packet = link?.open(bytes, isControl: true) else { return }
            var datagrams: [[UInt8]] = []
            sender?.receive(rtcp: packet, now: now, into: &datagrams)
            for datagram in datagrams { send(datagram, &directives) }
        case .stun:
            checks?.receive(span, from: endpoint, now: now, into: &steps)
            obey(now: now, &directives)
        case .rtp, .unknown: break
        }
    }

    /// Does what is due, but for media.
    public mutating func tick(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        if let limit, now >= limit {
            self.limit = nil
            return fail(fault, now: now, into: &directives)
        }
        checks?.tick(now: now, using: &random, into: &steps)
        obey(now: now, &directives)
        take(link?.tick(now: now) ?? [], now: now, &directives)
        if let report = sender?.report(now: now) { send(report, &directives) }
    }

    /// What it means that the time is up.
    private var fault: PlayFault {
        guard case .connecting = phase, checks != nil else { return .timeout }
        return link?.address == nil ? .checks : .handshake
    }

    private mutating func obey(now: Duration, _ directives: inout [Directive]) {
        guard !steps.isEmpty else { return }
        let obeyed = steps
        steps.removeAll(keepingCapacity: true)
        for step in obeyed {
            switch step {
            case .fail: fail(.checks, now: now, into: &directives)
            case .select(let endpoint): take(link?.begin(at: endpoint, now: now) ?? [], now: now, &directives)
            case .send(let datagram, let endpoint): directives.append(.send(datagram, endpoint))
            }
        }
    }

    private mutating func take(_ steps: [DTLSSession.Directive], now: Duration, _ directives: inout [Directive]) {
        for step in steps {
            switch step {
            case .closed, .failed: fail(sender == nil ? .handshake : .ended, now: now, into: &directives)
            case .connected(let keys): connect(keys, now: now, &directives)
            case .send(let datagram): send(datagram, &directives)
            }
        }
    }

    private mutating func connect(_ keys: SRTPKeys, now: Duration, _ directives: inout [Directive]) {
        guard case .connecting = phase, let link, let format else { return }
        link.unlock(keys)
        sender = PictureSender(pictures, format, over: link, begun: now)
        phase = .publishing
        limit = nil
        directives.append(.publish)
    }

    private func send(_ datagram: [UInt8], _ directives: inout [Directive]) {
        if let address = link?.address { directives.append(.send(datagram, address)) }
    }
}
