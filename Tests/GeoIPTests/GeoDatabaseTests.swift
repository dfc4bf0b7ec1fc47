// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Foundation
import GeoIP
import Testing

@Suite("A database of addresses")
struct GeoDatabaseTests {
    static let files = ["v4", "v4-28", "v6", "v6-32"]

    @Test("answers for addresses of IPv4, whatever its records and its family", arguments: files)
    func lookups(name: String) throws {
        let database = try GeoDatabase(Self.file(name)[...])
        let berlin = try database.value(of: .v4(0xC000_02FE))
        #expect(berlin?["country"]?["iso_code"]?.text == "DE")
        #expect(berlin?["location"]?["latitude"] == .number(52.5))
        #expect(berlin?["location"]?["longitude"] == .number(-13.25))
        #expect(berlin?["asn"]?.unsigned == 64_500)
        let states = try database.value(of: .v4(0xC633_6401))
        #expect(states?["anycast"] == .flag(true))
        #expect(states?["names"] == .array([.text("a"), .text(String(repeating: "b", count: 400))]))
        #expect(states?["low"] == .signed(-5))
        for unknown in [0xC000_0300, 0xC633_6480, 0, 0xFFFF_FFFF] as [UInt32] {
            #expect(try database.value(of: .v4(unknown)) == nil)
        }
        #expect(database.metadata["database_type"]?.text == "Millrace-Test")
    }

    @Test("answers for addresses of IPv6 where it has them", arguments: files)
    func version6(name: String) throws {
        let database = try GeoDatabase(Self.file(name)[...])
        let paris = try database.value(of: .v6(0x2001_0DB8_0001_FFFF, 7))
        #expect((paris?["country"]?["iso_code"]?.text == "FR") == name.hasPrefix("v6"))
        #expect(name.hasPrefix("v4") || paris?["big"] == .unsigned(1 << 70))
        #expect(try database.value(of: .v6(0x2001_0DB8_0002_0000, 7)) == nil)
    }

    @Test("cut at every byte is refused or answers in order", arguments: files)
    func truncation(name: String) throws {
        let file = try Self.file(name)
        for length in file.indices { Self.ask(Array(file[..<length])) }
        #expect(throws: GeoDatabaseFailure.notADatabase) { try GeoDatabase([]) }
        #expect(throws: GeoDatabaseFailure.notADatabase) { try GeoDatabase(file.dropFirst(file.count - 172)) }
    }

    @Test("with flipped bits is refused or answers in order", arguments: files)
    func bitFlips(name: String) throws {
        let file = try Self.file(name)
        for bit in 0..<file.count * 8 {
            var flipped = file
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            Self.ask(flipped)
        }
    }

    @Test("whose values nest or repeat without end is refused")
    func bombs() {
        var end: [UInt8] = [0xAB, 0xCD, 0xEF] + Array("MaxMind.com".utf8) + [0xE4]
        end += Self.entry("node_count", [0xC1, 1]) + Self.entry("record_size", [0xA1, 24])
        end += Self.entry("ip_version", [0xA1, 4]) + Self.entry("binary_format_major_version", [0xA1, 2])
        let tree: [UInt8] = [0, 0, 17, 0, 0, 17] + [UInt8](repeating: 0, count: 16)
        let nested: [UInt8] = tree + Self.nest(100) + end
        let loop: [UInt8] = tree + [2, 4, 0x20, 0, 0x20, 0] + end
        let toPointer: [UInt8] = tree + [0x20, 2, 0x20, 0] + end
        var doubling = tree
        for next in 1...31 as ClosedRange<UInt8> { doubling += [2, 4, 0x20, 6 * next, 0x20, 6 * next] as [UInt8] }
        doubling += [0x40] + end
        for file in [nested, loop, toPointer, doubling] {
            #expect(throws: GeoDatabaseFailure.corrupt) { try GeoDatabase(file[...]).value(of: .v4(0)) }
        }
    }

    /// Arrays of one array, so many times.
    private static func nest(_ count: Int) -> [UInt8] {
        Array(repeatElement([1, 4] as [UInt8], count: count).joined())
    }

    /// A name of under 29 bytes and its value.
    private static func entry(_ name: String, _ value: [UInt8]) -> [UInt8] {
        [0x40 | UInt8(name.utf8.count)] + Array(name.utf8) + value
    }

    private static func ask(_ file: [UInt8]) {
        guard let database = try? GeoDatabase(file[...]) else { return }
        for address in [IPAddress.v4(0xC000_0201), .v4(0xC633_6401), .v6(0x2001_0DB8_0001_0000, 1)] {
            _ = try? database.value(of: address)
        }
    }

    private static func file(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors/geoip")
        return try Array(Data(contentsOf: folder.appending(path: "\(name).mmdb")))
    }
}
