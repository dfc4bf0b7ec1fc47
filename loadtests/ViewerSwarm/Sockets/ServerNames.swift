// SPDX-License-Identifier: Apache-2.0

import Swarm

/// Where the servers of a thread's requests are; the resolver is asked once for each.
final class ServerNames {
    private var known: [HTTPAddress: SocketName] = [:]

    /// Where the server of an address is; nil where nobody knows.
    subscript(address: HTTPAddress) -> SocketName? {
        let server = address.at("/")
        if let name = known[server] { return name }
        let name = SocketName.resolve(server.host, port: server.port).map(SocketName.init)
        known[server] = known.count < Self.most ? name : nil
        return name
    }

    private static let most = 4096
}
