// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Media

/// The sessions of plain RTP on a node, and the branches of others' sessions: who may send, who receives, and how long.
///
/// A session is found by its SSRC, which no other session of the node has. A subscriber whose address is not on the
/// caller's list of willing ones is asked by a probe, and receives once it has sent the probe back: nobody can aim the
/// fan-out at a stranger.
///
/// A branch takes its packets from its session's home alone, so it has no SSRC here, and lasts until its home ends it.
public struct SessionTable: Sendable {
    /// What is to be done, in order.
    public enum Directive: Hashable, Sendable {
        /// Take packets of this source.
        case begin(SessionNumber, ssrc: UInt32, SourceGate, MediaType)
        /// Take packets of this branch from the session's home.
        case beginBranch(SessionNumber)
        /// Take them no more.
        case end(SessionNumber)
        /// Send the session's packets there.
        case subscribe(SessionNumber, Endpoint)
        /// Send nothing more there.
        case unsubscribe(SessionNumber, Endpoint)
        /// Ask there, with this token.
        case probe(Endpoint, ProbeToken)
        /// Tell the home that a subscriber of a branch did not answer, and is no longer one.
        case unwilling(SessionNumber, Endpoint)
    }

    private let settings: FanoutSettings
    private var entries: [SessionNumber: SessionEntry] = [:]
    private var numbers: [SessionID: SessionNumber] = [:]
    private var sources: [UInt32: SessionNumber] = [:]
    private var branches: [SessionID: SessionNumber] = [:]
    private var asked: [ProbeToken: (session: SessionNumber, endpoint: Endpoint)] = [:]
    private var nextNumber: SessionNumber = 1

    /// An empty table.
    public init(_ settings: FanoutSettings) { self.settings = settings }

    /// Sessions there are.
    public var count: Int { entries.count - branches.count }
    /// Branches of others' sessions.
    public var branchCount: Int { branches.count }
    /// Subscribers of all sessions and branches, the asked ones too.
    public private(set) var subscriberCount = 0

    /// Begins a session.
    public mutating func create(
        source: Endpoint, ssrc: UInt32, mediaType: MediaType, now: Duration, wall: WallTime,
        using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) throws(SessionFailure) -> SessionStatus {
        guard sources[ssrc] == nil else { throw .sourceIsTaken }
        guard entries.count < settings.maximumSessions else { throw .tooManySessions }
        let creation = SessionEntry.Creation(source: source, ssrc: ssrc, mediaType: mediaType, createdAt: wall)
        let entry = enter(.random(using: &random), creation, now: now)
        numbers[entry.id] = entry.number
        sources[ssrc] = entry.number
        directives.append(.begin(entry.number, ssrc: ssrc, SourceGate(source), mediaType))
        return SessionStatus(entry, creation)
    }

    /// Begins a branch of another node's session, in place of an older one of the same session.
    public mutating func beginBranch(
        of id: SessionID, now: Duration, into directives: inout [Directive]
    ) throws(SessionFailure) -> SessionNumber {
        if let older = branches[id] { remove(older, into: &directives) }
        guard entries.count < settings.maximumSessions else { throw .tooManySessions }
        let entry = enter(id, nil, now: now)
        branches[id] = entry.number
        directives.append(.beginBranch(entry.number))
        return entry.number
    }

    /// Ends a branch; one that has ended already stays so.
    public mutating func endBranch(_ number: SessionNumber, into directives: inout [Directive]) {
        remove(number, into: &directives)
    }

    /// Ends a session.
    public mutating func delete(_ id: SessionID, into directives: inout [Directive]) throws(SessionFailure) {
        guard let number = numbers[id] else { throw .unknownSession }
        remove(number, into: &directives)
    }

    /// What a session is; nil where there is none.
    public func session(_ id: SessionID) -> SessionStatus? { numbers[id].flatMap { entries[$0]?.status } }

    /// The session of a number; nil where there is none.
    public func session(numbered number: SessionNumber) -> SessionStatus? { entries[number]?.status }

    /// The session of a source; nil where there is none.
    public func session(source ssrc: UInt32) -> SessionStatus? { sources[ssrc].flatMap { entries[$0]?.status } }

    /// At most `limit` sessions in the order in which they began, behind the session of this number.
    public func sessions(limit: Int, after: SessionNumber) -> [SessionStatus] {
        sources.values.filter { $0 > after }.sorted().prefix(limit).compactMap { entries[$0]?.status }
    }

    /// Adds a subscriber, `isAllowed` where its address is one of those that always want; again is no failure.
    public mutating func subscribe(
        _ endpoint: Endpoint, to id: SessionID, isAllowed: Bool, now: Duration,
        using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) throws(SessionFailure) {
        guard let number = numbers[id] else { throw .unknownSession }
        try subscribe(endpoint, to: number, isAllowed: isAllowed, now: now, using: &random, into: &directives)
    }

    /// Adds a subscriber of a session or a branch, as above.
    public mutating func subscribe(
        _ endpoint: Endpoint, to number: SessionNumber, isAllowed: Bool, now: Duration,
        using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) throws(SessionFailure) {
        guard let entry = entries[number] else { throw .unknownSession }
        guard entry.subscribers[endpoint] == nil else { return }
        guard entry.subscribers.count < settings.maximumSubscribers else { throw .tooManySubscribers }
        if isAllowed {
            entries[number]?.subscribers[endpoint] = Subscriber(consent: .allowed)
            directives.append(.subscribe(number, endpoint))
        } else {
            guard asked.count < settings.maximumAsked else { throw .tooManyAsked }
            let question = ask(endpoint, number, now: now, using: &random, into: &directives)
            entries[number]?.subscribers[endpoint] = Subscriber(consent: .asked(question))
            entries[number]?.asks = true
        }
        subscriberCount += 1
    }

    /// Removes a subscriber.
    public mutating func unsubscribe(
        _ endpoint: Endpoint, from id: SessionID, into directives: inout [Directive]
    ) throws(SessionFailure) {
        guard let number = numbers[id] else { throw .unknownSession }
        guard entries[number]?.subscribers[endpoint] != nil else { throw .unknownSubscriber }
        drop(endpoint, of: number, into: &directives)
    }

    /// Removes a subscriber of a branch, if there is one.
    public mutating func unsubscribe(
        _ endpoint: Endpoint, fromBranch number: SessionNumber, into directives: inout [Directive]
    ) {
        drop(endpoint, of: number, into: &directives)
    }

    /// A probe came back. Returns whether it was one of ours, from where it was sent to.
    public mutating func answered(
        _ token: ProbeToken, from endpoint: Endpoint, now: Duration, into directives: inout [Directive]
    ) -> Bool {
        guard let question = asked[token], question.endpoint == endpoint else { return false }
        asked[token] = nil
        guard let subscriber = entries[question.session]?.subscribers[endpoint] else { return false }
        if !subscriber.receives { directives.append(.subscribe(question.session, endpoint)) }
        entries[question.session]?.subscribers[endpoint]?.consent = .willing(until: now + settings.consentLife)
        return true
    }

    /// Ends sessions that nobody sends to, and asks subscribers whose answer is old or missing. Call once a second;
    /// `lastPacket` tells when a session's newest packet came. Returns how many sessions ended.
    public mutating func tick(
        now: Duration, lastPacket: (SessionNumber) -> Duration?, using random: inout some RandomNumberGenerator,
        into directives: inout [Directive]
    ) -> Int {
        let idle = entries.values.filter { entry in
            entry.creation != nil
                && now - max(lastPacket(entry.number) ?? entry.began, entry.began) >= settings.idleTimeout
        }
        for entry in idle { remove(entry.number, into: &directives) }
        for number in entries.values.filter(\.asks).map(\.number) {
            askAgain(number, now: now, using: &random, into: &directives)
        }
        return idle.count
    }
}

extension SessionTable {
    private mutating func remove(_ number: SessionNumber, into directives: inout [Directive]) {
        guard let entry = entries.removeValue(forKey: number) else { return }
        for subscriber in entry.subscribers.values {
            if let question = subscriber.question { asked[question.token] = nil }
        }
        subscriberCount -= entry.subscribers.count
        if let creation = entry.creation {
            numbers[entry.id] = nil
            sources[creation.ssrc] = nil
        } else {
            branches[entry.id] = nil
        }
        directives.append(.end(number))
    }

    private mutating func enter(_ id: SessionID, _ creation: SessionEntry.Creation?, now: Duration) -> SessionEntry {
        let entry = SessionEntry(id: id, number: nextNumber, began: now, creation: creation)
        nextNumber += 1
        entries[entry.number] = entry
        return entry
    }

    private mutating func drop(_ endpoint: Endpoint, of number: SessionNumber, into directives: inout [Directive]) {
        guard let subscriber = entries[number]?.subscribers.removeValue(forKey: endpoint) else { return }
        subscriberCount -= 1
        if let question = subscriber.question { asked[question.token] = nil }
        if subscriber.receives { directives.append(.unsubscribe(number, endpoint)) }
    }

    private mutating func ask(
        _ endpoint: Endpoint, _ number: SessionNumber, now: Duration, using random: inout some RandomNumberGenerator,
        into directives: inout [Directive]
    ) -> Subscriber.Question {
        let token = ProbeToken.random(using: &random)
        asked[token] = (number, endpoint)
        directives.append(.probe(endpoint, token))
        return Subscriber.Question(token: token, next: now + Self.probeInterval)
    }

    private mutating func askAgain(
        _ number: SessionNumber, now: Duration, using random: inout some RandomNumberGenerator,
        into directives: inout [Directive]
    ) {
        for (endpoint, subscriber) in entries[number]?.subscribers ?? [:] {
            switch subscriber.consent {
            case .allowed: break
            case .willing(let until):
                guard until <= now else { continue }
                let question = ask(endpoint, number, now: now, using: &random, into: &directives)
                entries[number]?.subscribers[endpoint]?.consent = .due(question)
            case .asked(let question), .due(let question):
                guard question.next <= now else { continue }
                repeatQuestion(question, to: endpoint, of: number, now: now, into: &directives)
            }
        }
    }

    private mutating func repeatQuestion(
        _ question: Subscriber.Question, to endpoint: Endpoint, of number: SessionNumber, now: Duration,
        into directives: inout [Directive]
    ) {
        guard question.sent < settings.maximumProbes else {
            drop(endpoint, of: number, into: &directives)
            if let entry = entries[number], entry.creation == nil { directives.append(.unwilling(number, endpoint)) }
            return
        }
        var question = question
        question.sent += 1
        question.next = now + Self.probeInterval
        let receives = entries[number]?.subscribers[endpoint]?.receives ?? false
        entries[number]?.subscribers[endpoint]?.consent = receives ? .due(question) : .asked(question)
        directives.append(.probe(endpoint, question.token))
    }

    private static let probeInterval: Duration = .seconds(1)
}
