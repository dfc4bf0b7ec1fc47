// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTMP
import Testing

@Suite("AMF")
struct AMFTests {
    private let sample: [AMFValue] = [
        .string("onMetaData"), .number(-1.5), .boolean(true), .null, .undefined, .date(1e12),
        .strictArray([.string(""), .number(.infinity)]),
        .object([AMFProperty("a", .ecmaArray([AMFProperty("ü", .boolean(false))])), AMFProperty("", .null)]),
        .string(String(repeating: "x", count: 65_536)),
    ]

    @Test("is read as it was written")
    func roundTrip() throws {
        var decoder = AMFDecoder(AMFEncoder.encode(sample)[...])
        #expect(try decoder.remainingValues() == sample)
    }

    @Test("survives a cut at every byte")
    func truncation() {
        let bytes = AMFEncoder.encode(Array(sample.dropLast()))
        for length in bytes.indices {
            var decoder = AMFDecoder(bytes[..<length])
            _ = try? decoder.remainingValues()
        }
    }

    @Test(
        "is read in every type there is",
        arguments: [
            ("0d", AMFValue.undefined), ("0c 00000003 616263", .string("abc")), ("0f 00000001 61", .string("a")),
            ("10 0001 43 0001 61 05 0000 09", .object([AMFProperty("a", .null)])),
            // An array by name with a wrong count; one without its end.
            ("08 00000014 0001 61 05 0000 09", .ecmaArray([AMFProperty("a", .null)])),
            ("08 00000000 0001 61 05", .ecmaArray([AMFProperty("a", .null)])),
            ("02 0002 ff41", .string("\u{FFFD}A")),
        ])
    func types(text: String, value: AMFValue) throws {
        var decoder = AMFDecoder(hex(text)[...])
        #expect(try decoder.remainingValues() == [value])
    }

    @Test(
        "of version 3 is read after its marker",
        arguments: [
            ("11 00", AMFValue.undefined), ("11 01", .null), ("11 02", .boolean(false)), ("11 03", .boolean(true)),
            ("11 04 7f", .number(127)), ("11 04 8100", .number(128)), ("11 04 ffffffff", .number(-1)),
            ("11 05 3ff0000000000000", .number(1)), ("11 06 07616263", .string("abc")),
            ("11 08 01 3ff0000000000000", .date(1)),
            ("11 09 05 01 0401 0402", .strictArray([.number(1), .number(2)])),
            ("11 09 01 0361 03 01", .ecmaArray([AMFProperty("a", .boolean(true))])),
            (
                "11 0a 1b 01 0361 03 0362 0600 01",
                .object([AMFProperty("a", .boolean(true)), AMFProperty("b", .string("a"))])
            ),
        ])
    func version3(text: String, value: AMFValue) throws {
        var decoder = AMFDecoder(hex(text)[...])
        #expect(try decoder.remainingValues() == [value])
    }

    @Test(
        "is refused beyond its limits",
        arguments: [
            (String(repeating: "0a00000001", count: 70_000), AMFFailure.tooDeep(16)),
            ("11" + String(repeating: "090301", count: 70_000), .tooDeep(16)),
            ("0a ffffffff" + String(repeating: "05", count: 5000), .tooManyValues(4096)),
            ("0c 00010001", .tooLong(65_537)), ("0c ffffffff", .tooLong(4_294_967_295)),
            ("07 0000", .marker(7)), ("ff", .marker(255)), ("11 0c", .marker(12)), ("11 06 04", .reference(2)),
            ("02 0005 61", .truncated), ("00 00", .truncated),
        ])
    func limits(text: String, failure: AMFFailure) {
        var decoder = AMFDecoder(hex(text)[...])
        #expect(throws: failure) { try decoder.remainingValues() }
    }

    @Test("never traps on damaged bytes", arguments: 0..<200 as Range<UInt64>)
    func bitFlips(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes = AMFEncoder.encode(Array(sample.dropLast())) + hex("11 0a 1b 01 0361 03 0362 0600 01")
        for _ in 0..<8 {
            bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        }
        var decoder = AMFDecoder(bytes[...])
        _ = try? decoder.remainingValues()
    }

    @Test("wraps commands in type 17 with and without the byte before them")
    func commandTypes() throws {
        let body = Command("connect", transaction: 1, [.null]).body
        let type = MessageType(rawValue: 17)
        #expect(try Command(body[...], type: type) == Command(body[...], type: .command))
        #expect(try Command(([0] + body)[...], type: type).name == "connect")
        let mixed = AMFEncoder.encode([.string("publish"), .number(5), .null]) + hex("11 0607616263")
        #expect(try Command(mixed[...], type: type).argument(1)?.string == "abc")
    }

    @Test("without a command's name is refused")
    func nameless() {
        let long = AMFEncoder.encode([.string(String(repeating: "a", count: 65)), .number(1)])
        for body in [[], AMFEncoder.encode([.number(1)]), long] {
            #expect(throws: AMFFailure.noCommandName) { try Command(body[...], type: .command) }
        }
    }
}
