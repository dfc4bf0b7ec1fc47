// SPDX-License-Identifier: Apache-2.0

import Feed
public import Identity
import Media
import Synchronization

/// A term that others refuse, as they promised a higher one to somebody who never began it, is left for one above that.
extension LiveStreamTable {
    /// Takes a term anew for a stream whose publisher stays where it is. What it sends meanwhile waits.
    public func retake(_ stream: LiveStream) {
        if stream.leaveTerm(above: nil) { begin(stream, for: .publishing) }
    }

    /// Somebody has written in a higher term. Where the cluster knows who, or the publisher is not here, the stream is
    /// theirs; otherwise this node goes on above it.
    /// - Returns: whether it is theirs, or this node goes on; false where that can not be now.
    public func outdo(_ stream: LiveStream, _ higher: Term) -> Bool {
        let isKnown = cluster.known(stream.id).map { $0.term > stream.term } ?? false
        guard !isKnown, stream.isPublished else {
            stream.yield()
            return true
        }
        guard stream.leaveTerm(above: higher) else { return false }
        begin(stream, for: .publishing)
        return true
    }
}

extension LiveStream {
    /// Whether its publisher is here.
    fileprivate var isPublished: Bool {
        state.withLock { if case .publishing = $0.presence { true } else { false } }
    }

    /// Writes no more in its term, until ``begin(_:listed:)`` says which is next: that goes on behind a part that has
    /// ended, and at the publisher's next random access point.
    /// - Returns: whether that may be now: not while something waits already, or where there is nothing to go on with.
    func leaveTerm(above higher: Term?) -> Bool {
        state.withLock { state in
            guard state.hasTerm, state.gate.isOpen else { return false }
            switch state.presence {
            case .absent: break
            case .ended, .yielded: return false
            case .publishing:
                guard !state.announced.isEmpty else { return false }
                submit(.left, &state)
                // The publisher said them long ago, and will not say them again.
                state.untold = state.announced
            }
            state.gate.close(for: .term)
            state.hasTerm = false
            state.term = max(state.term, higher ?? state.term)
            state.nextNumber = 0
            state.reported = SequencerCounters()
            return true
        }
    }
}
