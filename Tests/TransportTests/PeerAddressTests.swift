// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import Transport

@Suite("A peer address")
struct PeerAddressTests {
    @Test(
        "is read from a socket's address",
        arguments: [
            ("192.0.2.1", "192.0.2.1", false), ("127.9.9.9", "127.9.9.9", true), ("::1", "0:0:0:0:0:0:0:1", true),
            ("::ffff:127.0.0.1", "127.0.0.1", true), ("2001:db8::5:0:9", "2001:db8:0:0:0:5:0:9", false),
            ("::ffff:8.8.8.8", "8.8.8.8", false), ("::", "0:0:0:0:0:0:0:0", false),
        ]
    )
    func reading(text: String, written: String, isLoopback: Bool) throws {
        let address = try #require(PeerAddress(SocketAddress(ipAddress: text, port: 80)))
        #expect(address.description == written)
        #expect(address.isLoopback == isLoopback)
    }

    @Test("is the same for both ways of writing IPv4")
    func mapped() throws {
        #expect(
            PeerAddress(try SocketAddress(ipAddress: "10.1.2.3", port: 1))
                == PeerAddress(try SocketAddress(ipAddress: "::ffff:10.1.2.3", port: 2))
        )
    }
}
