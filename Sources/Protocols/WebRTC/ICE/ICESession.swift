// SPDX-License-Identifier: Apache-2.0

import Cluster

/// ICE with one remote party, as the lite agent that a server is (RFC 8445 §2.5): it only answers checks. Whoever knows
/// the password is admitted, the newest nomination selects the path, and a silent party expires.
///
/// Departures: a lite agent sends no checks, so consent (RFC 7675) is what the remote party's own checks and its
/// authenticated media say, on the selected path alone: checks from elsewhere that do not nominate keep no media going there.
/// A nomination is obeyed at once, so who knows the password and forges the source of packets can lead media to a stranger for
/// as long as it goes on: only a check of ours, answered from there, would tell. Checks that prove nothing are dropped without
/// an answer, where RFC 8489 §9.1.3 asks for 400 and 401: nobody gets an answer before the password is proven. The remote half
/// of USERNAME is not compared, which RFC 8445 §7.3 leaves open. Media of a party that has fallen silent on the selected path
/// selects the path that it comes on: with aggressive nomination (RFC 5245 §8.1.1.2) the newest nomination need not be the pair
/// that the party uses.
public struct ICESession: Sendable {
    /// What the shell is to do.
    public enum Directive: Hashable, Sendable {
        /// The path is proven: take DTLS and media from it.
        case admit(ICEPath)
        /// The check was worth nothing: count it.
        case drop(ICERefusal)
        /// Nobody is there any more: end the session.
        case expire(ICEExpiry)
        /// The path made room for another: take nothing from it.
        case forget(ICEPath)
        /// No check by this fragment is for this session any more.
        case retire(ICEFragment)
        /// Send DTLS and media to this path from now on.
        case select(ICEPath)
        /// Send the bytes to the path.
        case send([UInt8], to: ICEPath)
    }

    /// Where DTLS and media go; nil before the first nomination.
    public private(set) var selected: ICEPath?
    private let settings: ICESettings
    private let start: Duration
    private var current: ICEGeneration
    private var next: ICEGeneration?
    private var paths: ICEPathTable
    private var lastSign: Duration?
    private var isExpired = false

    /// Begins with the credentials of our answer, at the time of it.
    public init(credentials: ICELocalCredentials, settings: ICESettings = ICESettings(), now: Duration) {
        self.settings = settings
        start = now
        current = ICEGeneration(credentials)
        paths = ICEPathTable(maximum: settings.maximumPaths)
    }

    /// Takes a message that came by one of this session's fragments.
    public mutating func receive(
        _ message: STUNMessage, in bytes: Span<UInt8>, on path: ICEPath, now: Duration,
        into directives: inout [Directive]
    ) {
        let generation: ICEGeneration
        do {
            generation = try authenticated(message, in: bytes)
        } catch {
            directives.append(.drop(error))
            return
        }
        guard paths.isFresh(message.transaction, on: path) else { return directives.append(.drop(.replay)) }
        if let refusal = refusal(of: message, in: bytes, key: generation.key) {
            directives.append(.send(refusal, to: path))
            return
        }
        admit(message.transaction, on: path, into: &directives)
        directives.append(.send(answer(to: message, on: path, key: generation.key), to: path))
        if message.hasUseCandidate { nominate(path, by: generation, into: &directives) }
        if selected ?? path == path { lastSign = now }
    }

    /// Notes that authenticated media came on the selected path, or on any before there is one.
    public mutating func heard(now: Duration) { lastSign = max(lastSign ?? now, now) }

    /// Notes that authenticated media came on another path than the selected one: the party has gone there, where it is admitted
    /// and nothing proved for `ICESettings.moveTimeout` that the party is still at the selected one.
    public mutating func heard(elsewhere path: ICEPath, now: Duration, into directives: inout [Directive]) {
        guard !isExpired, selected != nil, selected != path, paths.contains(path) else { return }
        guard let lastSign, now - lastSign >= settings.moveTimeout else { return }
        self.lastSign = now
        selected = path
        directives.append(.select(path))
    }

    /// Whether DTLS and media may come from the path.
    public func isAdmitted(_ path: ICEPath) -> Bool { paths.contains(path) }

    /// Begins a new generation (RFC 8445 §9). The old one goes on until the remote party nominates a path by the new one;
    /// a new one that was not used yet is given up.
    public mutating func restart(_ credentials: ICELocalCredentials, into directives: inout [Directive]) {
        if let next { directives.append(.retire(next.fragment)) }
        next = ICEGeneration(credentials)
    }

    /// Ends what is to end at `now`.
    public mutating func tick(now: Duration, into directives: inout [Directive]) {
        guard let (deadline, expiry) = nextExpiry, deadline <= now else { return }
        isExpired = true
        directives.append(.expire(expiry))
    }

    /// When to call `tick`; nil once expired.
    public var nextDeadline: Duration? { nextExpiry?.0 }

    /// The fragments by which checks find this session: one, or two during a restart.
    public var fragments: [ICEFragment] { [current.fragment] + (next.map { [$0.fragment] } ?? []) }
}

extension ICESession {
    private func authenticated(_ message: STUNMessage, in bytes: Span<UInt8>) throws(ICERefusal) -> ICEGeneration {
        guard !isExpired else { throw .expired }
        guard message.kind == .bindingRequest else { throw .noRequest }
        guard let fragment = message.localFragment(in: bytes) else { throw .unknownFragment }
        let generation = fragment == current.fragment ? current : next
        guard let generation, generation.fragment == fragment else { throw .unknownFragment }
        guard generation.key.verifies(message, in: bytes) else { throw .badIntegrity }
        return generation
    }

    /// RFC 8489 §6.3.1 for attributes that are not understood. RFC 8445 §7.3.1.1 for a party that wants to be controlled
    /// as well: a lite agent can not take the other role, so the party must.
    private func refusal(of message: STUNMessage, in bytes: Span<UInt8>, key: STUNIntegrityKey) -> [UInt8]? {
        var writer = STUNWriter(.bindingError, transaction: message.transaction)
        if message.hasUnknownAttributes {
            writer.append(errorCode: 420)
            writer.append(unknownAttributes: message.unknownAttributes(in: bytes))
        } else if case .controlled = message.role {
            writer.append(errorCode: 487)
        } else {
            return nil
        }
        return writer.finish(key: key)
    }

    private func answer(to message: STUNMessage, on path: ICEPath, key: STUNIntegrityKey) -> [UInt8] {
        var writer = STUNWriter(.bindingSuccess, transaction: message.transaction)
        writer.append(mappedAddress: path.remote)
        return writer.finish(key: key)
    }

    private mutating func admit(
        _ transaction: STUNTransactionID, on path: ICEPath, into directives: inout [Directive]
    ) {
        switch paths.note(transaction, on: path, keeping: selected) {
        case .known: break
        case .new: directives.append(.admit(path))
        case .replaced(let other): directives += [.forget(other), .admit(path)]
        }
    }

    private mutating func nominate(
        _ path: ICEPath, by generation: ICEGeneration, into directives: inout [Directive]
    ) {
        if generation.fragment != current.fragment {
            directives.append(.retire(current.fragment))
            current = generation
            next = nil
        }
        guard selected != path else { return }
        selected = path
        directives.append(.select(path))
    }

    private var nextExpiry: (Duration, ICEExpiry)? {
        guard !isExpired else { return nil }
        guard let lastSign else { return (start + settings.firstCheckTimeout, .neverChecked) }
        let consent = lastSign + settings.consentTimeout
        let nomination = start + settings.nominationTimeout
        return selected == nil && nomination < consent ? (nomination, .neverNominated) : (consent, .consent)
    }
}

/// Fragment and key of one generation.
private struct ICEGeneration: Sendable {
    let fragment: ICEFragment
    let key: STUNIntegrityKey

    init(_ credentials: ICELocalCredentials) {
        fragment = credentials.fragment
        key = STUNIntegrityKey(password: credentials.password)
    }
}
