// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Glibc
import Identity
import Relay
import Replica
import Testing

/// Another node, as a socket that says what it is told to.
final class RelayPeer {
    private let descriptor: Int32
    private var decoder = RelayFrameDecoder()

    /// Connects, and says hello.
    init(to node: RelayParent) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(node.endpoint.port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let descriptor = descriptor
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let name = try #require(NodeID(parsing: "stranger"))
        say(.hello(RelayHello(cluster: NodeTag.hash("test"), node: name, incarnation: 1)), 0)
    }

    deinit { close(descriptor) }

    /// Says something on a channel.
    func say(_ message: RelayMessage, _ channel: UInt32) {
        var bytes: [UInt8] = []
        RelayFrameEncoder().append(RelayFrame(channel: channel, message: message), to: &bytes)
        _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// The next that is neither a hello nor a sign of life; nil where the node has closed the connection, or said nothing
    /// for a minute.
    func hear() -> RelayFrame? {
        while true {
            while let frame = try? decoder.next(longest: .mebibytes(1)) {
                switch frame.message {
                case .hello, .tally: continue
                default: return frame
                }
            }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            guard count > 0 else { return nil }
            decoder.receive(bytes[..<count])
        }
    }
}
