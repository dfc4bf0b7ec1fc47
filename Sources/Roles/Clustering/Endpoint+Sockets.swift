// SPDX-License-Identifier: Apache-2.0

import Cluster
import NIOCore

extension Endpoint {
    /// The endpoint of a socket; nil for a Unix socket. An address of IPv4 in IPv6 is the one of IPv4.
    init?(_ address: SocketAddress?) {
        guard let address, let text = address.ipAddress, let port = address.port else { return nil }
        guard let parsed = IPAddress(parsing: text.prefix { $0 != "%" }) else { return nil }
        self.init(address: parsed, port: UInt16(truncatingIfNeeded: port))
    }
}

extension SocketAddress {
    /// The same as sockets have it.
    init?(_ endpoint: Endpoint) {
        try? self.init(ipAddress: endpoint.address.description, port: Int(endpoint.port))
    }
}
