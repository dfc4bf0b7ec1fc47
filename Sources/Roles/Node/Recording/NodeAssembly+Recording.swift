// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Origin
import Placement
import Router

extension NodeAssembly {
    /// Whether a stream is live, here or as far as the directory knows, or this node still writes to the store what it was.
    func isLive(_ stream: StreamID) -> Bool {
        if streams[stream] != nil || recording?.isWriting(stream) == true { return true }
        return cluster?.desk.entry(stream).map { $0.state != .ended } ?? false
    }

    /// Begins to look after the recordings: of the origins of a region one does.
    func keepRecordings() {
        guard settings.roles.contains(.origin) else { return }
        recording?.keep {
            [weak self] stream in
            self?.isLive(stream) ?? true
        } isTurn: { [weak self] in
            guard let self else { return false }
            return cluster.map { $0.desk.snapshot.recordingKeeper == $0.id } ?? true
        }
    }
}
