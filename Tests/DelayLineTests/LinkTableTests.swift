// SPDX-License-Identifier: Apache-2.0

import DelayLine
import Testing

@Suite("A table of links") struct LinkTableTests {
    static let text = """
        port 1 line-1
        port 2 line-2
        link 1 2 75000 2000 0.001000 1000000000
        link 2 1 75000 0 0.000000 0

        """

    @Test("has a port for each region and settings for each direction")
    func parses() throws {
        let table = try LinkTable(parsing: Self.text)
        #expect(table.ports == [1: "line-1", 2: "line-2"])
        #expect(
            table.links == [
                LinkTable.Pair(from: 1, to: 2): LinkSettings(
                    delay: .milliseconds(75), jitter: .milliseconds(2), loss: 0.001, rate: 1_000_000_000),
                LinkTable.Pair(from: 2, to: 1): LinkSettings(delay: .milliseconds(75)),
            ])
    }

    @Test(
        "refuses a line it does not understand, and names it",
        arguments: [
            "port 256 line", "port 1", "link 1 2 75000 0 0", "link 1 2 -1 0 0 0", "link 1 2 0 60000001 0 0",
            "link 1 2 0 0 1.1 0", "link 1 2 0 0 nan 0", "link 1 2 0 0 0 -1", "link 1 2 99999999999999999999 0 0 0",
            "line",
        ])
    func refuses(line: String) {
        #expect(throws: LinkTableFailure.notUnderstood(line: line)) { try LinkTable(parsing: "port 1 a\n\(line)\n") }
    }

    @Test("is read to any length without a crash")
    func truncation() {
        for length in 0...Self.text.utf8.count {
            _ = try? LinkTable(parsing: String(decoding: Self.text.utf8.prefix(length), as: UTF8.self))
        }
    }
}

@Suite("The target of a frame") struct RegionAddressTests {
    static let frame: [UInt8] = [0x02, 0x4d, 7, 0, 0, 1, 0x02, 0x4d, 1, 0, 0, 9, 8, 0]

    @Test("is the region in its address, everywhere for groups, and nowhere for others")
    func regions() {
        #expect(RegionAddress(ofFrame: Self.frame) == .region(7))
        #expect(RegionAddress(ofFrame: [UInt8](repeating: 0xff, count: 60)) == .everywhere)
        #expect(RegionAddress(ofFrame: [1, 0, 0x5e] + Self.frame.dropFirst(3)) == .everywhere)
        #expect(RegionAddress(ofFrame: [2, 0x4e] + Self.frame.dropFirst(2)) == .nowhere)
    }

    @Test("is nowhere when the header is cut")
    func truncation() {
        for length in 0..<Self.frame.count { #expect(RegionAddress(ofFrame: Self.frame.prefix(length)) == .nowhere) }
    }
}
