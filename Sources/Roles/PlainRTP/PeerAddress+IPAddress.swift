// SPDX-License-Identifier: Apache-2.0

import Cluster
import Transport

extension Endpoint {
    /// Whether this machine alone reaches it.
    var isLoopback: Bool { PeerAddress(address).isLoopback }
}

extension PeerAddress {
    /// The same address.
    init(_ address: IPAddress) {
        switch address {
        case .v4(let bits): self.init(ipv4: bits)
        case .v6(let high, let low): self.init(high: high, low: low)
        }
    }
}
