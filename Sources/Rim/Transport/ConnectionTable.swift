// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// The open connections of a listener, at most as many as its limits allow.
final class ConnectionTable: Sendable {
    private let state: Mutex<State>
    private let observer: any TransportObserver

    private struct State {
        var admission: AdmissionTable
        var channels: [ObjectIdentifier: any Channel] = [:]
        /// Set when the listener stops; fulfilled when the last connection is gone.
        var drained: EventLoopPromise<Void>?
    }

    init(limits: AdmissionLimits, observer: any TransportObserver) {
        state = Mutex(State(admission: AdmissionTable(limits: limits)))
        self.observer = observer
    }

    var count: Int { state.withLock { $0.channels.count } }

    /// Counts a new connection in; throws what was counted when it may not come.
    func admit(_ channel: any Channel) throws -> PeerAddress {
        guard let peer = PeerAddress(channel.remoteAddress) else { throw refused(.vanished) }
        let now = Duration.nanoseconds(Int64(clamping: NIODeadline.now().uptimeNanoseconds))
        let refusal = state.withLock { state -> ConnectionRefusal? in
            guard state.drained == nil else { return .stopping }
            if let refusal = state.admission.admit(peer, now: now) { return refusal }
            state.channels[ObjectIdentifier(channel)] = channel
            return nil
        }
        if let refusal { throw refused(refusal) }
        observer.connectionAccepted()
        let identity = ObjectIdentifier(channel)
        channel.closeFuture.whenComplete { _ in self.remove(identity) }
        return peer
    }

    func forEach(_ body: (any Channel) -> Void) {
        for channel in state.withLock({ Array($0.channels.values) }) { body(channel) }
    }

    /// Refuses newcomers from now on.
    func beginStopping(on loop: any EventLoop) {
        let empty = state.withLock { state -> EventLoopPromise<Void>? in
            guard state.drained == nil else { return nil }
            let promise = loop.makePromise(of: Void.self)
            state.drained = promise
            return state.channels.isEmpty ? promise : nil
        }
        empty?.succeed()
    }

    /// Returns when the last connection is gone.
    func drained() async {
        try? await state.withLock { $0.drained }?.futureResult.get()
    }

    private func remove(_ identity: ObjectIdentifier) {
        let empty = state.withLock { state -> EventLoopPromise<Void>? in
            guard state.channels.removeValue(forKey: identity) != nil else { return nil }
            state.admission.release()
            return state.channels.isEmpty ? state.drained : nil
        }
        observer.connectionClosed()
        empty?.succeed()
    }

    private func refused(_ reason: ConnectionRefusal) -> Refused {
        observer.connectionRefused(reason)
        return Refused(reason: reason)
    }

    private struct Refused: Error {
        let reason: ConnectionRefusal
    }
}
