// SPDX-License-Identifier: Apache-2.0

import Access
import Identity
import Media
import Testing

@Suite("A publish token")
struct PublishTokenTests {
    var random = SeededRandom(seed: 1)

    private mutating func token(_ name: String = "live/wheel", until expiry: WallTime = inAnHour) throws -> PublishToken
    {
        PublishToken(for: try stream(name), until: expiry, by: try secret(), using: &random)
    }

    private func check(_ text: String, for name: String = "live/wheel", at now: WallTime = noon) throws -> TokenFailure?
    {
        let (stream, secret) = (try stream(name), try secret())
        return failure { () throws(TokenFailure) in
            try PublishToken(parsing: text).verify(for: stream, now: now, by: secret)
        }
    }

    @Test("is 64 lower-case hexadecimal digits and comes back from them")
    mutating func text() throws {
        let token = try token()
        #expect(token.text.utf8.count == 64)
        #expect(token.text.allSatisfy { "0123456789abcdef".contains($0) })
        #expect(try PublishToken(parsing: token.text) == token)
        #expect(token.expiry == inAnHour)
        #expect(try check(token.text) == nil)
    }

    @Test("tells two publishers of one moment apart")
    mutating func chance() throws { #expect(try token().text != token().text) }

    @Test(
        "is bound to its stream",
        arguments: ["live/whee", "live/wheel/2", "live/Wheel", "other/wheel", "livew/heel", "live/mill"])
    mutating func wrongStream(name: String) throws {
        let other = try stream(name)
        let (text, secret) = (try token().text, try secret())
        let found = failure { () throws(TokenFailure) in
            try PublishToken(parsing: text).verify(for: other, now: noon, by: secret)
        }
        #expect(found == .wrongStream)
    }

    @Test(
        "ends at its expiry, rounded up to a second", arguments: [(Int64(999), TokenFailure?.none), (1000, .expired)])
    mutating func expiry(milliseconds: Int64, expected: TokenFailure?) throws {
        let text = try token(until: WallTime(milliseconds: noon.milliseconds + 1)).text
        #expect(try check(text, at: WallTime(milliseconds: noon.milliseconds + milliseconds)) == expected)
    }

    @Test("is forged when its expiry is widened")
    mutating func widened() throws {
        let text = try token().text
        let later = PublishToken(
            for: try stream(), until: inAnHour.advanced(by: .seconds(86_400)), by: try secret(), using: &random)
        #expect(try check(String(later.text.prefix(10)) + text.dropFirst(10)) == .forged)
    }

    @Test("is forged when made with another secret")
    mutating func otherSecret() throws {
        let foreign = PublishToken(
            for: try stream(), until: inAnHour, by: try secret("quite another secret"), using: &random)
        #expect(try check(foreign.text) == .forged)
    }

    @Test("is forged or for another stream when any bit is flipped")
    mutating func bitFlips() throws {
        let text = try token().text
        let digits = Array("0123456789abcdef")
        for (index, character) in text.enumerated() {
            for bit in 0..<4 {
                let value = try #require(character.hexDigitValue) ^ (1 << bit)
                var changed = Array(text)
                changed[index] = digits[value]
                let found = try check(String(changed))
                // Only in the proof, the last 16 bytes, does the seal stay good.
                #expect(found == (index < 32 ? .forged : .wrongStream), "digit \(index), bit \(bit)")
            }
        }
    }

    @Test("is malformed at every other length")
    mutating func truncated() throws {
        let text = try token().text
        for length in 0..<64 { #expect(try check(String(text.prefix(length))) == .malformed) }
        #expect(try check(text + "0") == .malformed)
        #expect(try check(text + text) == .malformed)
    }

    @Test("is malformed in another alphabet")
    mutating func alphabet() throws {
        let text = try token().text
        for wrong in ["g", "A", " ", "%", "\0", "٣", "Z"] {
            #expect(try check(wrong + text.dropFirst(wrong.utf8.count)) == .malformed)
        }
    }

    @Test("does not print itself")
    mutating func silent() throws {
        let token = try token()
        for print in ["\(token)", String(reflecting: token), "\(Mirror(reflecting: token).children.count)"] {
            #expect(!print.contains(token.text.prefix(8)))
        }
        var dumped = ""
        dump(token, to: &dumped)
        dump(try secret(), to: &dumped)
        #expect(dumped.count < 60)
    }

    @Test("survives expiries that no clock shows", arguments: [Int64.min, -1, 0, .max])
    mutating func absurdExpiry(milliseconds: Int64) throws {
        let text = try token(until: WallTime(milliseconds: milliseconds)).text
        #expect(try check(text) == (milliseconds == .max ? nil : .expired))
    }
}
