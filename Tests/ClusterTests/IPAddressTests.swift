// SPDX-License-Identifier: Apache-2.0

import Cluster
import Testing

@Suite("An IP address")
struct IPAddressTests {
    @Test(
        "is written as people write it",
        arguments: [
            ([127, 0, 0, 1], "127.0.0.1"),
            ([0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "2001:db8::1"),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "::"),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], "::1"),
            ([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1], "1:0:1::1:1"),
            ([0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1], "1:0:1:1:1:1:1:1"),
        ] as [([UInt8], String)])
    func text(bytes: [UInt8], text: String) throws {
        let address = try #require(IPAddress(bytes: bytes))
        #expect(address.description == text)
        #expect(address.bytes == bytes)
        #expect(IPAddress(parsing: text) == address)
    }

    @Test(
        "is read in its other spellings",
        arguments: [
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("1::", "1::"), ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201", "192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ])
    func spellings(text: String, canonical: String) { #expect(IPAddress(parsing: text)?.description == canonical) }

    @Test(
        "is nothing else",
        arguments: [
            "", "1.2.3", "1.2.3.256", "1.2.3.04", "1.2.3.4.5", "+1.2.3.4", ":", ":::", "1:2:3:4:5:6:7", "1::2::3",
            "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "12345::", "g::", "fe80::1%eth0", "1.2.3.4::", ":1::2", "::1:",
        ])
    func refused(text: String) { #expect(IPAddress(parsing: text) == nil) }

    @Test("has four or sixteen bytes", arguments: [0, 3, 5, 15, 17])
    func lengths(count: Int) {
        #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test("stands in brackets before a port where it has colons")
    func endpoints() {
        #expect(Endpoint(address: .v4(0x7F00_0001), port: 80).description == "127.0.0.1:80")
        #expect(Endpoint(address: .v6(0, 1), port: 80).description == "[::1]:80")
    }
}
