// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Replica
import Synchronization
import Telemetry
import WebRTC

/// All sessions of a node by their URL and by their fragments, for HTTP and for the threads of the UDP port. A lock orders
/// the calls; nothing slow is done while it is held, and a check whose fragment nobody knows costs a look and no more.
final class SessionTable: Sendable {
    /// What a fragment leads to.
    struct Finding {
        /// What the check must be signed with.
        let key: STUNIntegrityKey
        /// Which thread has the session; nil where none has it yet.
        let thread: Int?
    }

    /// What is to be done with a session that a request came for.
    enum Command {
        /// End it: it is parked, or with a thread.
        case close(ParkedSession)
        case closeAt(thread: Int)
        /// Give its ICE new credentials.
        case restartAt(thread: Int, ICELocalCredentials)
    }

    fileprivate struct State {
        var entries: [SignalingSessionID: Entry] = [:]
        var fragments: [ICEFragment: (id: SignalingSessionID, key: STUNIntegrityKey)] = [:]
        var refusals: [StreamID: StreamRefusal] = [:]
        var unconnected = 0
    }

    fileprivate struct Entry {
        let target: SignalingTarget
        var signaling: SignalingSession
        var place: Place
        var fragments: [ICEFragment]
        /// What a viewer watches, and `mid` of its video; nil for a publisher.
        var viewing: (replica: StreamReplica, mediaID: String)?
        var isConnected = false
    }

    fileprivate enum Place {
        case parked(ParkedSession)
        case thread(Int)
    }

    private let state = Mutex(State())
    private let maximumUnconnected: Int
    private let metrics: RealTimeMetrics

    init(maximumUnconnected: Int, metrics: RealTimeMetrics) {
        self.maximumUnconnected = maximumUnconnected
        self.metrics = metrics
    }
}

// MARK: - HTTP

extension SessionTable {
    /// Whether one more session may be asked for.
    var hasRoom: Bool { state.withLock { $0.unconnected < maximumUnconnected } }

    /// Keeps a session until a thread adopts it.
    func park(
        _ session: ParkedSession, _ signaling: SignalingSession, _ local: ICELocalCredentials,
        at target: SignalingTarget
    ) {
        state.withLock { state in
            state.entries[session.id] = Entry(
                target: target, signaling: signaling, place: .parked(session), fragments: [local.fragment])
            state.fragments[local.fragment] = (session.id, STUNIntegrityKey(password: local.password))
            state.unconnected += 1
            if case .viewer(let plan) = session.plan {
                let video = plan.tracks.first { $0.codec.kind == .video }
                state.entries[session.id]?.viewing = (plan.replica, video?.mid ?? "")
            }
            metrics.unconnected.set(state.unconnected)
        }
    }

    /// Takes a request for a session.
    func receive(
        _ request: SignalingRequest, for target: SignalingTarget, id: SignalingSessionID, now: Duration
    ) -> (response: SignalingResponse, command: Command?) {
        state.withLock { state in
            guard var entry = state.entries[id], entry.target.kind == target.kind, entry.target.stream == target.stream
            else { return (.unknownSession, nil) }
            var random = SystemRandomNumberGenerator()
            var (response, command) = (SignalingResponse.unknownSession, Command?.none)
            for directive in entry.signaling.receive(request, now: now, using: &random) {
                switch directive {
                case .close: command = state.close(id, entry)
                case .respond(let answer): response = answer
                case .restart(let credentials): command = state.restart(id, &entry, credentials)
                }
            }
            if state.entries[id] != nil { state.entries[id] = entry }
            metrics.unconnected.set(state.unconnected)
            return (response, command)
        }
    }

    /// What a viewer's session watches, `mid` of its video, and the thread that has it, if one has; nil for no such session.
    func viewing(
        _ id: SignalingSessionID, _ target: SignalingTarget
    ) -> (replica: StreamReplica, mediaID: String, thread: Int?)? {
        state.withLock { state in
            guard let entry = state.entries[id], entry.target.stream == target.stream, let viewing = entry.viewing
            else {
                return nil
            }
            if case .thread(let thread) = entry.place { return (viewing.replica, viewing.mediaID, thread) }
            return (viewing.replica, viewing.mediaID, nil)
        }
    }

    /// Takes a session out to end it; nil where it is gone.
    func close(_ id: SignalingSessionID) -> Command? {
        state.withLock { state -> Command? in
            guard let entry = state.entries[id] else { return nil }
            defer { metrics.unconnected.set(state.unconnected) }
            return state.close(id, entry)
        }
    }

    /// Takes out the sessions to which nobody came in time.
    func takeExpired(now: Duration) -> [ParkedSession] {
        state.withLock { state in
            var expired: [ParkedSession] = []
            for (id, entry) in state.entries {
                guard case .parked(let session) = entry.place, session.ice.nextDeadline.map({ $0 <= now }) ?? true
                else { continue }
                expired.append(session)
                state.remove(id)
            }
            metrics.unconnected.set(state.unconnected)
            return expired
        }
    }

    /// The thread that has a session; nil while none has.
    func thread(of id: SignalingSessionID) -> Int? {
        state.withLock { state -> Int? in
            if case .thread(let thread)? = state.entries[id]?.place { thread } else { nil }
        }
    }
}

// MARK: - What can not be sent

extension SessionTable {
    /// Notes that the pictures of a stream, as it is now, can not be sent to viewers.
    func refuse(_ replica: StreamReplica, because reason: String) {
        let refusal = StreamRefusal(term: replica.term, parameters: replica.parameters, reason: reason)
        state.withLock { state in
            if state.refusals.count >= Self.mostRefusals { state.refusals = [:] }
            state.refusals[replica.id] = refusal
        }
    }

    /// Why the pictures of a stream can not be sent to viewers; nil where they can, as far as is known.
    func refusal(of replica: StreamReplica) -> String? {
        guard let refusal = state.withLock({ $0.refusals[replica.id] }) else { return nil }
        let isInForce = refusal.term == replica.term && refusal.parameters == replica.parameters
        return isInForce ? refusal.reason : nil
    }

    /// A viewer of a stream that was forgotten finds out anew.
    private static let mostRefusals = 1000
}

/// Why the pictures of a stream can not be sent, for as long as it is encoded as it was.
private struct StreamRefusal: Sendable {
    let term: Term
    let parameters: Parameters?
    let reason: String
}

// MARK: - The threads

extension SessionTable {
    /// What a fragment leads to; nil for one that nobody was given.
    func find(_ fragment: ICEFragment) -> Finding? {
        state.withLock { state in
            guard let (id, key) = state.fragments[fragment], let entry = state.entries[id] else { return nil }
            if case .thread(let thread) = entry.place { return Finding(key: key, thread: thread) }
            return Finding(key: key, thread: nil)
        }
    }

    /// Gives a session to the thread that asks first; nil where another was faster.
    func adopt(_ fragment: ICEFragment, by thread: Int) -> ParkedSession? {
        state.withLock { state in
            guard let id = state.fragments[fragment]?.id, case .parked(let session)? = state.entries[id]?.place else {
                return nil
            }
            state.entries[id]?.place = .thread(thread)
            return session
        }
    }

    /// The session has its keys.
    func connected(_ id: SignalingSessionID) {
        state.withLock { state in
            guard state.entries[id]?.isConnected == false else { return }
            state.entries[id]?.isConnected = true
            state.unconnected -= 1
            metrics.unconnected.set(state.unconnected)
        }
    }

    /// No check by this fragment is for its session any more.
    func retire(_ fragment: ICEFragment) {
        state.withLock { $0.retire(fragment) }
    }

    /// The session is over.
    func remove(_ id: SignalingSessionID) {
        state.withLock { state in
            state.remove(id)
            metrics.unconnected.set(state.unconnected)
        }
    }
}

extension SessionTable.State {
    fileprivate mutating func remove(_ id: SignalingSessionID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        for fragment in entry.fragments { fragments[fragment] = nil }
        if !entry.isConnected { unconnected -= 1 }
    }

    fileprivate mutating func retire(_ fragment: ICEFragment) {
        guard let (id, _) = fragments.removeValue(forKey: fragment) else { return }
        entries[id]?.fragments.removeAll { $0 == fragment }
    }

    fileprivate mutating func close(_ id: SignalingSessionID, _ entry: SessionTable.Entry) -> SessionTable.Command {
        remove(id)
        switch entry.place {
        case .parked(let session): return .close(session)
        case .thread(let thread): return .closeAt(thread: thread)
        }
    }

    fileprivate mutating func restart(
        _ id: SignalingSessionID, _ entry: inout SessionTable.Entry, _ credentials: ICELocalCredentials
    ) -> SessionTable.Command? {
        fragments[credentials.fragment] = (id, STUNIntegrityKey(password: credentials.password))
        entry.fragments.append(credentials.fragment)
        guard case .parked(var session) = entry.place else {
            guard case .thread(let thread) = entry.place else { return nil }
            return .restartAt(thread: thread, credentials)
        }
        var directives: [ICESession.Directive] = []
        session.ice.restart(credentials, into: &directives)
        for case .retire(let fragment) in directives {
            fragments[fragment] = nil
            entry.fragments.removeAll { $0 == fragment }
        }
        entry.place = .parked(session)
        return nil
    }
}
