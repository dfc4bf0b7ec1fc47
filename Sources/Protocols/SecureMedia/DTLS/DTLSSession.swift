// SPDX-License-Identifier: Apache-2.0

/// One DTLS 1.2 session with one peer, of either role, from which come the keys of SRTP (RFC 5764).
///
/// It does nothing until ICE has authenticated a path to the peer and ``begin(now:)`` is called: no memory, and no answer
/// to datagrams, which could be larger than they are and go to whoever's address stands in them. For the same reason it
/// needs no cookies.
///
/// While it is not sure that the peer has our last flight, which is for as long as a handshake may take, it holds 41 KB;
/// then OpenSSL is let go, and 250 bytes are left.
///
/// Time is given, but for one thing: whether a retransmission is due OpenSSL asks the system's clock. Calling ``tick(now:)``
/// early or late does no harm, and ``nextDeadline`` says anew when to.
public struct DTLSSession: ~Copyable {
    /// What the shell is to do, in this order.
    public enum Directive: Hashable, Sendable {
        /// Send this datagram to the peer.
        case send([UInt8])
        /// The handshake is over and the peer is who its SDP says: media may flow under these keys.
        case connected(SRTPKeys)
        /// The session is over, by our wish or the peer's: no media any more. The last directive.
        case closed
        /// The session is over, as it can not go on. The last directive.
        case failed(DTLSFailure)
    }

    private let context: DTLSContext
    private let role: DTLSRole
    private let peer: CertificateFingerprint
    private let handshakeLimit: Duration
    private var state = State.new

    /// When to call ``tick(now:)``; nil for never.
    public private(set) var nextDeadline: Duration?

    /// A session that has not begun.
    ///
    /// - Parameters:
    ///   - peer: the fingerprint in the peer's SDP.
    ///   - handshakeLimit: how long the handshake may take before it fails.
    public init(
        _ context: DTLSContext, role: DTLSRole, peer: CertificateFingerprint, handshakeLimit: Duration = .seconds(10)
    ) {
        self.context = context
        self.role = role
        self.peer = peer
        self.handshakeLimit = handshakeLimit
    }

    /// The largest datagram that is sent, in bytes: what any path carries, tunnels included.
    public static let largestSent = 1200

    /// The largest datagram that is looked at, in bytes.
    public static let largestReceived = 1500
}

/// Who begins a handshake, as `a=setup` says it (RFC 8842 §5).
public enum DTLSRole: Hashable, Sendable, CaseIterable {
    /// The DTLS client: it sends the first flight.
    case active
    /// The DTLS server.
    case passive
}

extension DTLSSession {
    /// ICE has authenticated a path to the peer: begins, where it has not begun.
    public mutating func begin(now: Duration) -> [Directive] {
        guard case .new = state else { return [] }
        let engine = DTLSEngine(context, role: role, peer: peer)
        state = .handshaking(engine, until: now + handshakeLimit)
        return handshake(engine, nil, until: now + handshakeLimit, now: now)
    }

    /// A datagram came on an authenticated path. One that is too long, that comes before the beginning or after the end,
    /// or of which no record is valid is dropped.
    public mutating func receive(_ datagram: UnsafeRawBufferPointer, now: Duration) -> [Directive] {
        guard !datagram.isEmpty, datagram.count <= Self.largestReceived else { return [] }
        switch state {
        case .handshaking(let engine, let limit): return handshake(engine, datagram, until: limit, now: now)
        case .connected(let engine): return read(engine, datagram)
        case .settled(let closure): return settled(closure, datagram)
        case .new, .over: return []
        }
    }

    /// Time went on: retransmits, gives up, or lets OpenSSL go.
    public mutating func tick(now: Duration) -> [Directive] {
        guard let nextDeadline, now >= nextDeadline else { return [] }
        switch state {
        case .handshaking(let engine, let limit):
            guard now < limit, engine.handleTimeout() else { return end(engine, .failed(.timedOut)) }
            schedule(engine, until: limit, now: now)
            return engine.takeOutput().map(Directive.send)
        case .connected(let engine): settle(engine)
        case .new, .settled, .over: break
        }
        return []
    }

    /// Ends the session, and tells the peer where there is one.
    public mutating func close() -> [Directive] {
        switch state {
        case .connected(let engine):
            engine.shutDown()
            return end(engine, .closed)
        case .settled(let closure):
            state = .over
            return [.send(closure.notice), .closed]
        case .handshaking(let engine, _): return end(engine, .closed)
        case .new:
            state = .over
            return [.closed]
        case .over: return []
        }
    }
}

extension DTLSSession {
    private enum State {
        /// No path is authenticated. To `handshaking`, `over`.
        case new
        /// Flights go to and fro. To `connected`, `over`.
        case handshaking(DTLSEngine, until: Duration)
        /// The keys are known; alerts are heard, and a peer that missed our last flight gets it again. To `settled`,
        /// `over`.
        case connected(DTLSEngine)
        /// The peer has our last flight; alerts are heard. To `over`.
        case settled(DTLSClosure)
        /// Closed or failed; nothing is sent or heard.
        case over
    }

    private mutating func handshake(
        _ engine: DTLSEngine, _ datagram: UnsafeRawBufferPointer?, until limit: Duration, now: Duration
    ) -> [Directive] {
        switch engine.handshake(datagram) {
        case .wantsMore:
            schedule(engine, until: limit, now: now)
            return engine.takeOutput().map(Directive.send)
        case .done: return connect(engine, now: now)
        case .closed: return end(engine, .closed)
        case .failed(let failure): return end(engine, .failed(failure))
        }
    }

    /// What the last datagram held beside the end of the handshake is read too. Who is active has the last flight, and so
    /// the peer can not miss one.
    private mutating func connect(_ engine: DTLSEngine, now: Duration) -> [Directive] {
        guard let keys = engine.exportKeys() else {
            engine.shutDown()
            return end(engine, .failed(.noProfile))
        }
        nextDeadline = now + handshakeLimit
        state = .connected(engine)
        let directives = engine.takeOutput().map(Directive.send) + [.connected(keys)] + read(engine, nil)
        if role == .active, case .connected = state { settle(engine) }
        return directives
    }

    private mutating func settle(_ engine: DTLSEngine) {
        nextDeadline = nil
        state = .settled(engine.closure())
    }

    private mutating func settled(_ closure: DTLSClosure, _ datagram: UnsafeRawBufferPointer) -> [Directive] {
        guard let end = closure.end(by: datagram) else { return [] }
        state = .over
        return end == .closed ? [.send(closure.notice), end] : [end]
    }

    private mutating func read(_ engine: DTLSEngine, _ datagram: UnsafeRawBufferPointer?) -> [Directive] {
        switch engine.read(datagram) {
        case .wantsMore, .done:
            let sent = engine.takeOutput().map(Directive.send)
            engine.trim()
            return sent
        case .closed:
            engine.shutDown()
            return end(engine, .closed)
        case .failed(let failure): return end(engine, .failed(failure))
        }
    }

    private mutating func end(_ engine: DTLSEngine, _ directive: Directive) -> [Directive] {
        nextDeadline = nil
        state = .over
        return engine.takeOutput().map(Directive.send) + [directive]
    }

    private mutating func schedule(_ engine: DTLSEngine, until limit: Duration, now: Duration) {
        nextDeadline = engine.timeout.map { min(limit, now + $0) } ?? limit
    }
}
