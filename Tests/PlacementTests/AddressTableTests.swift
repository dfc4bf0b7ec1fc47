// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import TestKit
import Testing

@Suite("A table of addresses")
struct AddressTableTests {
    @Test(
        "gives the region of the longest prefix",
        arguments: [
            (IPAddress.v4(0x0A01_0203), "c"), (.v4(0x0A01_0303), "b"), (.v4(0x0A02_0303), "a"), (.v4(0x0B00_0000), nil),
            (.v6(0, 0xFFFF_0A01_0203), "c"), (.v6(0x2001_0DB8_0000_0000, 7), "v"), (.v6(0x2001_0DB8_0000_0000, 8), "w"),
            (.v6(0x2001_0DB9_0000_0000, 8), nil),
        ] as [(IPAddress, String?)])
    func lookup(address: IPAddress, region: String?) throws {
        let table = try AddressTable([
            prefix(.v4(0x0A00_0000), 8, "a"), prefix(.v4(0x0A01_FFFF), 16, "b"), prefix(.v4(0x0A01_0200), 24, "c"),
            prefix(.v6(0x2001_0DB8_0000_0000, 0), 32, "w"), prefix(.v6(0x2001_0DB8_0000_0000, 7), 128, "v"),
        ])
        #expect(table.region(of: address)?.description == region)
    }

    @Test("may have one region for all")
    func all() throws {
        let table = try AddressTable([prefix(.v4(0), 0, "a"), prefix(.v6(0, 0), 0, "b")])
        #expect(table.region(of: .v4(.max))?.description == "a")
        #expect(table.region(of: .v6(.max, .max))?.description == "b")
        #expect(AddressTable([]).region(of: .v4(1)) == nil)
    }

    @Test("has no prefix longer than an address", arguments: [-1, 33, 128])
    func lengths(length: Int) {
        #expect(AddressPrefix(.v4(1), length: length) == nil)
        #expect(AddressPrefix(.v6(1, 1), length: 129) == nil)
    }

    @Test("agrees with a look at every prefix", arguments: 1...4 as ClosedRange<UInt64>)
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let address = { (random: inout SeededRandom) in
            IPAddress.v6(random.next() & 0xF000_0000_0000_0000, random.next() & 0xFF)
        }
        let entries = try (0..<200).map { number in
            try prefix(address(&random), Int.random(in: 0...128, using: &random), "r\(number)")
        }
        let table = AddressTable(entries)
        for _ in 0..<2000 {
            let asked = address(&random)
            let longest = entries.filter { AddressPrefix(asked, length: $0.0.length) == $0.0 }.map(\.0.length).max()
            let found = table.region(of: asked).flatMap { region in entries.last { $0.1 == region } }
            #expect(found?.0.length == longest, "seed \(seed), \(asked)")
        }
    }

    private func prefix(_ address: IPAddress, _ length: Int, _ region: String) throws -> (AddressPrefix, Region) {
        (try #require(AddressPrefix(address, length: length)), try #require(Region(parsing: region)))
    }
}
