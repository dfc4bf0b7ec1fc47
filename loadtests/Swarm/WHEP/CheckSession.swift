// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import WebRTC

/// A viewer's half of ICE (RFC 8445): it controls, checks all addresses of the server at once, nominates each with its
/// first check, takes the first that answers, and goes on asking it for consent (RFC 7675). Enough for servers that are
/// lite, and for full ones, whose own checks it answers.
public struct CheckSession: Sendable {
    /// What the shell is to do.
    public enum Directive: Hashable, Sendable {
        /// Nobody answers, or nobody does any more. The last directive.
        case fail
        /// This is the server's address from now on; media may come.
        case select(Endpoint)
        /// Send this datagram.
        case send([UInt8], Endpoint)
    }

    private let local: ICECredentials
    private let remote: ICECredentials
    private let endpoints: [Endpoint]
    private let localKey: STUNIntegrityKey
    private let remoteKey: STUNIntegrityKey
    private let tieBreaker: UInt64
    /// Of the last checks; an answer to an older one says nothing new.
    private var pending: [STUNTransactionID] = []
    private var selected: Endpoint?
    private var interval = CheckSession.firstInterval
    private var limit: Duration?

    /// When to call ``tick(now:using:into:)``; nil before the beginning and after the end.
    public private(set) var nextDeadline: Duration?

    /// Checks that have not begun.
    /// - Parameter endpoints: where the server may be, at least one.
    public init(local: ICECredentials, remote: ICECredentials, endpoints: [Endpoint], tieBreaker: UInt64) {
        self.local = local
        self.remote = remote
        self.endpoints = endpoints
        self.tieBreaker = tieBreaker
        localKey = STUNIntegrityKey(password: local.password)
        remoteKey = STUNIntegrityKey(password: remote.password)
    }

    /// Sends the first checks.
    public mutating func start(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        limit = now + Self.patience
        check(endpoints, now: now, using: &random, &directives)
    }

    /// Takes a message of STUN. What is not signed by the right key is dropped.
    public mutating func receive(
        _ bytes: Span<UInt8>, from endpoint: Endpoint, now: Duration, into directives: inout [Directive]
    ) {
        guard let message = try? STUNMessage(parsing: bytes) else { return }
        switch message.kind {
        case .bindingRequest where localKey.verifies(message, in: bytes):
            var writer = STUNWriter(.bindingSuccess, transaction: message.transaction)
            writer.append(mappedAddress: endpoint)
            directives.append(.send(writer.finish(key: localKey), endpoint))
        case .bindingSuccess where pending.contains(message.transaction) && remoteKey.verifies(message, in: bytes):
            limit = now + Self.consent
            guard selected == nil else { return }
            selected = endpoint
            nextDeadline = now + Self.keepalive
            directives.append(.select(endpoint))
        case .bindingError, .bindingIndication, .bindingRequest, .bindingSuccess: break
        }
    }

    /// Does what is due: checks again, or gives up.
    public mutating func tick(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        guard let nextDeadline, now >= nextDeadline, let limit else { return }
        guard now < limit else {
            self.nextDeadline = nil
            return directives.append(.fail)
        }
        check(selected.map { [$0] } ?? endpoints, now: now, using: &random, &directives)
    }

    private mutating func check(
        _ endpoints: [Endpoint], now: Duration, using random: inout some RandomNumberGenerator,
        _ directives: inout [Directive]
    ) {
        for endpoint in endpoints {
            let transaction = STUNTransactionID.random(using: &random)
            pending = pending.suffix(Self.remembered - 1) + [transaction]
            var writer = STUNWriter(.bindingRequest, transaction: transaction)
            writer.append(username: "\(remote.fragment):\(local.fragment)")
            writer.append(priority: Self.priority)
            writer.append(role: .controlling(tieBreaker: tieBreaker))
            writer.appendUseCandidate()
            directives.append(.send(writer.finish(key: remoteKey), endpoint))
        }
        guard selected == nil else {
            // RFC 7675 §5.1: at random between 0.8 and 1.2 of the interval, so that viewers do not ask all at once.
            nextDeadline = now + Self.keepalive * Double.random(in: 0.8...1.2, using: &random)
            return
        }
        nextDeadline = now + interval
        interval = min(interval * 2, Self.longestInterval)
    }

    /// How long nobody may answer at first, and later.
    private static let patience: Duration = .seconds(10)
    private static let consent: Duration = .seconds(30)
    private static let keepalive: Duration = .seconds(5)
    /// From one check to the next, twice as long each time; browsers begin with 50 ms as well.
    private static let firstInterval: Duration = .milliseconds(50)
    private static let longestInterval: Duration = .milliseconds(800)
    private static let remembered = 8
    /// Of a host candidate, RFC 8445 §5.1.2.1.
    private static let priority: UInt32 = 126 << 24 | 0xFFFF << 8 | 255
}
