// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
import Synchronization

/// What the object store has, the feed says, so that whoever takes the stream over uploads from there.
extension LiveStream {
    /// The store's playlists list all up to `msn`, says who writes there in `term`. Nothing is said while this node does not
    /// append in that term: whoever goes on finds out in the store.
    public func stored(_ msn: MediaSequenceNumber, in term: Term) {
        state.withLock { state in
            guard state.hasTerm, state.term == term, state.gate.isOpen else { return }
            if case .yielded = state.presence { return }
            state.sequencer.stored(through: msn, into: &state.records)
            flush(&state)
        }
    }
}
