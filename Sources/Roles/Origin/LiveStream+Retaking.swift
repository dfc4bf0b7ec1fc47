// SPDX-License-Identifier: Apache-2.0

import Feed
public import Identity
import Media
import Synchronization

/// A term that others refuse, as they promised a higher one to somebody who never began it, is left for one above that.
extension LiveStreamTable {
    /// Takes a term anew for a stream whose publisher stays where it is. What it sends meanwhile waits.
    /// - Parameter higher: a term that the new one must be above.
    public func retake(_ stream: LiveStream, above higher: Term? = nil) {
        if stream.leaveTerm(above: higher) { begin(stream, for: .publishing) }
    }
}

extension LiveStream {
    /// Writes no more in its term, until ``begin(_:listed:)`` says which is next: that goes on behind a part that has
    /// ended, and at the publisher's next random access point.
    /// - Returns: whether that may be now: not while something waits already, or where there is nothing to go on with.
    func leaveTerm(above higher: Term?) -> Bool {
        state.withLock { state in
            guard state.hasTerm, state.gate.isOpen else { return false }
            var tracks: [Track] = []
            switch state.presence {
            case .absent: break
            case .ended, .yielded: return false
            case .publishing:
                tracks = state.sequencer.summary.parameters?.tracks ?? []
                guard !tracks.isEmpty else { return false }
                submit(.left, &state)
            }
            state.gate.close(for: .term)
            state.hasTerm = false
            state.term = max(state.term, higher ?? state.term)
            state.nextNumber = 0
            state.reported = SequencerCounters()
            // The publisher said them long ago, and will not say them again.
            if !tracks.isEmpty { submit(.media(tracks.map { .parameters($0.id, $0.parameters) }), &state) }
            return true
        }
    }
}
