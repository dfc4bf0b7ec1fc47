// SPDX-License-Identifier: Apache-2.0

import Feed
import Synchronization

extension LiveStream {
    /// From the next segment on, playlists lead to a CDN for whole segments, or to the edge again (nil). What is listed
    /// already keeps its URL, as RFC 8216bis §6.2.1 has it; and as the feed says it segment by segment, every node and every
    /// reload of a playlist has the same.
    public func offload(to base: String?) {
        state.withLock { state in
            state.cdnBase = base
            state.sequencer.cdnBase = base
        }
    }
}
