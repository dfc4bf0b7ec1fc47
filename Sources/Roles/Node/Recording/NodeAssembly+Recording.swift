// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Origin
import Router

extension NodeAssembly {
    /// Whether a stream is live, here or as far as the directory knows.
    func isLive(_ stream: StreamID) -> Bool {
        if streams[stream] != nil { return true }
        return cluster?.desk.entry(stream).map { $0.state != .ended } ?? false
    }
}
