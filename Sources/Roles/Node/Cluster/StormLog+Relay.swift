// SPDX-License-Identifier: Apache-2.0

import Logging
import Relay
import Telemetry
import Transport

extension StormLog {
    /// Tells of a node whose program speaks another version of the relay; nothing of what else it did.
    func record(_ failure: RelayFailure) {
        switch failure {
        case .version(let theirs, let ours):
            record(
                "no version of the relay in common with a node", level: .warning,
                metadata: ["theirs": "\(theirs)", "ours": "\(ours)"], now: SystemClock.now())
        case .unknownKind(let kind):
            record(
                "messages of a newer node passed over", level: .info, metadata: ["kind": "\(kind)"],
                now: SystemClock.now())
        default: break
        }
    }
}
