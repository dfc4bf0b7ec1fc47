// SPDX-License-Identifier: Apache-2.0

import Identity
import Testing

@Suite("A node's name")
struct NodeIDTests {
    @Test(
        "is a host name in lower case",
        arguments: ["a", "edge-1.eu.example.org", "9", String(repeating: "x", count: 63)])
    func good(text: String) { #expect(NodeID(parsing: text)?.description == text) }

    @Test("is nothing else", arguments: ["", "Edge", "-a", ".a", "a b", "ä", "a/b", String(repeating: "x", count: 64)])
    func bad(text: String) { #expect(NodeID(parsing: text) == nil) }
}

@Suite("A region's name")
struct RegionTests {
    @Test("has no dots and at most 32 bytes")
    func limits() {
        #expect(Region(parsing: "eu-west_1") != nil)
        #expect(Region(parsing: "eu.west") == nil)
        #expect(Zone(parsing: String(repeating: "z", count: 33)) == nil)
    }
}
