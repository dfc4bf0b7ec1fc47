// SPDX-License-Identifier: Apache-2.0

import Identity
import Testing

@Suite("A stream's name")
struct StreamIDTests {
    @Test("may have letters of any script", arguments: ["café", "Åland", "스트림", "日本", "поток", "room/café"])
    func letters(name: String) throws {
        #expect(try StreamID(app: "live", name: name).name == name)
    }

    @Test(
        "is refused where Unicode could write it in other bytes",
        arguments: [
            "cafe\u{301}", "\u{212B}land", "\u{212A}", "\u{1109}\u{1173}", "\u{1109}\u{1173}\u{11AB}", "\u{F900}",
            "q\u{323}\u{307}", "\u{0958}", "\u{16D67}\u{16D67}",
        ])
    func ambiguous(name: String) {
        #expect(throws: StreamID.Failure.ambiguousCharacter) { try StreamID(app: "live", name: name) }
        #expect(throws: StreamID.Failure.ambiguousCharacter) { try StreamID(app: name, name: "a") }
    }

    @Test("of one scalar equals no other")
    func distinct() {
        var names: Set<String> = []
        for value in 0xA1...0x2FFFF as ClosedRange<UInt32> {
            guard let scalar = Unicode.Scalar(value), let id = try? StreamID(app: "live", name: String(scalar)) else {
                continue
            }
            #expect(names.insert(id.name).inserted, "U+\(String(value, radix: 16))")
        }
    }
}
