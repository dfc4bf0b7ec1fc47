// SPDX-License-Identifier: Apache-2.0

import Feed
import Media
import NIOCore
import Synchronization
import Transport

/// The stream goes to another origin while its publisher lives: this node drains or stops. Nothing here ends it: whoever
/// else holds it keeps it through the grace, and the origin at which its publisher arrives goes on.
extension LiveStream {
    /// Whether another node holds what is committed, so that the stream can go on without this one.
    public var isHeldElsewhere: Bool { state.withLock { $0.hasTerm && $0.commits.hasHolders } }

    /// Asks the publisher, where its protocol can say so, to go on at `address`. It comes to nothing for the others.
    public func invite(to address: String) {
        let publisher = state.withLock { state -> (any Publisher)? in
            if case .publishing(_, let publisher) = state.presence { publisher } else { nil }
        }
        publisher?.move(to: address)
    }

    /// Cuts the publisher off where its next segment could begin, so that what it sent is whole: before the next random
    /// access point, of audio alone before the next unit. Nobody may publish here any more.
    public func partAtBoundary() { state.withLock { $0.isParting = true } }

    /// Cuts the publisher off now. Nobody may publish here any more; another node may have the stream in the grace.
    public func part() {
        let publisher = state.withLock { state -> (any Publisher)? in
            guard case .publishing(let identity, let publisher) = state.presence else { return nil }
            state.isParting = true
            depart(identity, &state)
            return publisher
        }
        guard let publisher else { return }
        publisher.cut(.moved)
        calls.change(self)
    }

    /// Whether a stream that is to part has come to its boundary with these events.
    func isAtBoundary(_ events: [IngestEvent], _ state: State) -> Bool {
        guard state.isParting else { return false }
        return events.contains { event in
            guard case .accessUnit(let unit) = event else { return false }
            return state.hasVideo ? unit.track != .audio && unit.isRandomAccess : true
        }
    }
}
