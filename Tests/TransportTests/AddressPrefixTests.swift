// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing
import Transport

@Suite("An address prefix")
struct AddressPrefixTests {
    @Test(
        "holds its network and no other",
        arguments: [
            ("127.0.0.0/8", "127.0.0.1", true), ("127.0.0.0/8", "127.255.255.255", true),
            ("127.0.0.0/8", "128.0.0.0", false), ("127.0.0.0/8", "::1", false), ("::1", "::1", true),
            ("::1", "::2", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.8/31", "192.0.2.9", true), ("192.0.2.8/31", "192.0.2.10", false),
            ("0.0.0.0/0", "203.0.113.1", true), ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.1", true), ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false), ("2001:db8::/64", "2001:db8::ffff", true),
            ("2001:db8::/64", "2001:db8:0:1::", false), ("2001:db8::/65", "2001:db8::8000:0:0:0", false),
            ("::ffff:10.0.0.0/104", "10.9.8.7", true),
        ]
    )
    func contains(text: String, address: String, isIn: Bool) throws {
        let prefix = try #require(AddressPrefix(parsing: text))
        let peer = try #require(PeerAddress(SocketAddress(ipAddress: address, port: 1935)))
        #expect(prefix.contains(peer) == isIn)
    }

    @Test(
        "is among those of local networks where the Internet does not carry it",
        arguments: [
            ("127.0.0.1", true), ("::1", true), ("10.255.0.1", true), ("11.0.0.1", false), ("172.15.255.255", false),
            ("172.16.0.1", true), ("172.31.255.255", true), ("172.32.0.0", false), ("192.168.1.1", true),
            ("192.169.0.0", false), ("100.63.255.255", false), ("100.64.0.1", true), ("100.127.255.255", true),
            ("100.128.0.0", false), ("fd00::1", true), ("fc00::", true), ("fe00::", false), ("fe80::1", true),
            ("febf::1", true), ("fec0::1", false), ("203.0.113.1", false), ("2001:db8::1", false),
            ("::ffff:10.0.0.1", true), ("::ffff:203.0.113.1", false),
        ]
    )
    func local(address: String, isIn: Bool) throws {
        let peer = try #require(PeerAddress(SocketAddress(ipAddress: address, port: 1935)))
        #expect([AddressPrefix].local.contains(peer) == isIn)
    }

    @Test(
        "is what was written",
        arguments: ["127.0.0.0/8", "::1", "192.0.2.7", "0.0.0.0/0", "::/0", "2001:db8::/32", "fe80::/10"]
    )
    func description(text: String) { #expect(AddressPrefix(parsing: text)?.description == text) }

    @Test(
        "refuses what is none",
        arguments: [
            "", "/", "/8", "localhost", "127.0.0.1/", "127.0.0.0/33", "127.0.0.0/-1", "127.0.0.0/+8", "127.0.0.0/8/8",
            "127.0.0.1/8", "::/129", "2001:db8::1/64", "10.0.0", "10.0.0.0/ 8", "10.0.0.0/99999999999999999999",
        ]
    )
    func refuses(text: String) { #expect(AddressPrefix(parsing: text) == nil) }
}
