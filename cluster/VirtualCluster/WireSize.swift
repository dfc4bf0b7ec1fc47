// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity

extension GossipDatagram {
    /// Its bytes when sealed: 40 of envelope.
    var wireSize: Int {
        48 + sender.description.utf8.count + (message?.encodedSize ?? 0) + rumours.reduce(0) { $0 + $1.encodedSize }
    }
}

extension GossipStreamMessage {
    /// About how many bytes it is when sealed.
    var wireSize: Int {
        switch self {
        case .ack: 46
        case .digest: 60
        case .ping(_, let target): 47 + target.description.utf8.count
        case .refusal(let text): 44 + text.utf8.count
        case .state(let members, let streams, let regions, let keys, _):
            48 + members.reduce(0) { $0 + Rumour.alive($1.description, incarnation: 0).encodedSize + 1 }
                + streams.reduce(0) { $0 + Rumour.stream($1).encodedSize }
                + regions.reduce(0) { $0 + Rumour.region($1).encodedSize }
                + keys.reduce(0) { $0 + Rumour.key($1).encodedSize }
        }
    }
}
