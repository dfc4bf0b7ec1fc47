// SPDX-License-Identifier: Apache-2.0

import Access
import Feed
import Identity
import NIOCore
import Replica
import Synchronization
import Transport

/// Publishers come and go.
extension LiveStream {
    /// Lets `publisher` feed the stream from now on, in place of an older one or after an absence.
    /// - Returns: nil where the stream is over; a failure where the live publisher is another one and stays.
    func open(
        _ identity: PublisherIdentity, _ publisher: any Publisher, takeover: AccessSettings.Takeover
    ) -> Result<Publication, PublishRefusal>? {
        let (result, replaced) = state.withLock { state -> (Result<Publication, PublishRefusal>?, (any Publisher)?) in
            switch state.presence {
            case .ended, .yielded: return (nil, nil)
            case .absent where state.isParting, .publishing where state.isParting:
                return (.failure(.shuttingDown), nil)
            case .absent where state.gate.isOverfull(now: SystemClock.now()): return (.failure(.cutOff), nil)
            case .absent(_, let last):
                let decision = AccessPolicy.replace(live: last, by: identity, takeover: takeover)
                guard decision != .refuse else { return (.failure(.nameIsLive), nil) }
                guard publishers.enter() else { return (.failure(.tooManyPublishers), nil) }
                return (.success(admit(identity, publisher, &state)), nil)
            case .publishing(let live, let older):
                let decision = AccessPolicy.replace(live: live, by: identity, takeover: takeover)
                guard decision != .refuse else { return (.failure(.nameIsLive), nil) }
                submit(.left, &state)
                return (.success(admit(identity, publisher, &state)), older)
            }
        }
        replaced?.cut(CutReason.replaced)
        calls.change(self)
        return result
    }

    private func admit(_ identity: PublisherIdentity, _ publisher: any Publisher, _ state: inout State) -> Publication {
        submit(.returned, &state)
        state.generation += 1
        state.presence = .publishing(identity, publisher)
        state.lastRandomAccess = .now()
        state.hasVideo = false
        (state.announced, state.untold) = ([], [])
        state.isStalled = false
        state.publisherSince = SystemClock.now()
        replica.publisherIs(absent: false)
        return Publication(stream: self, generation: state.generation)
    }

    /// The publisher of `generation` is gone; the grace begins.
    func leave(_ generation: UInt64) {
        state.withLock { state in
            guard state.generation == generation, case .publishing(let identity, _) = state.presence else { return }
            depart(identity, &state)
        }
        calls.change(self)
    }

    func depart(_ identity: PublisherIdentity, _ state: inout State) {
        submit(.left, &state)
        publishers.leave()
        state.presence = .absent(until: .now() + TimeAmount(settings.grace), last: identity)
        replica.publisherIs(absent: true)
        arm(&state)
    }

    /// Ends the stream for good and cuts its publisher.
    func end(_ reason: EndReason) {
        let publisher = state.withLock { state -> (any Publisher)?? in
            switch state.presence {
            case .ended, .yielded: return nil
            case .absent:
                finish(reason, &state)
                return .some(nil)
            case .publishing(_, let live):
                finish(reason, &state)
                return .some(live)
            }
        }
        guard let publisher else { return }
        publisher?.cut(reason == .shutdown ? .shutdown : .stopped)
        tellEnd()
    }

    /// Tells that the stream has ended, once it has: while it is fenced nobody knows whether this node may say so.
    func tellEnd() {
        let hasEnded = state.withLock { state in
            if case .ended = state.presence { state.gate.isOpen } else { false }
        }
        guard hasEnded else { return }
        calls.change(self)
        calls.over(self)
    }

    func finish(_ reason: EndReason, _ state: inout State) {
        if case .publishing = state.presence { publishers.leave() }
        state.presence = .ended
        submit(.end(reason), &state)
    }
}
