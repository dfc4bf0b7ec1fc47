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
    }

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
