// SPDX-License-Identifier: Apache-2.0

import Access
import Identity
import Media
import Testing

@Suite("A viewer token")
struct ViewerTokenTests {
    private let session = ViewerID(number: 0xFEDC_BA98_7654_3210)

    private func token(_ name: String = "live/wheel") throws -> ViewerToken {
        ViewerToken(for: try stream(name), session: session, until: inAnHour, by: try secret())
    }

    private func check(_ text: String, for name: String = "live/wheel", at now: WallTime = noon) throws -> TokenFailure?
    {
        let (stream, secret) = (try stream(name), try secret())
        return failure { () throws(TokenFailure) in
            try ViewerToken(parsing: text).verify(for: stream, now: now, by: secret)
        }
    }

    @Test("is one path component that no escaping touches, and comes back from it")
    func text() throws {
        let token = try token()
        #expect(token.text.count == 49)
        #expect(token.text.first == "~")
        #expect(token.text.dropFirst().allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) })
        let parsed = try ViewerToken(parsing: token.text)
        #expect(parsed == token)
        #expect(parsed.session == session)
        #expect(parsed.expiry == inAnHour)
        #expect(try check(token.text) == nil)
    }

    @Test("is bound to its stream", arguments: ["other/wheel", "live/wheel/2", "live/whee", "live/WHEEL"])
    func wrongStream(name: String) throws { #expect(try check(token().text, for: name) == .wrongStream) }

    @Test(
        "outlives its expiry by the linger and no more", arguments: [(Int64(0), true), (59_999, true), (60_000, false)])
    func linger(after: Int64, good: Bool) throws {
        let (token, stream, secret) = (try token(), try stream(), try secret())
        let now = WallTime(milliseconds: inAnHour.milliseconds + after)
        let found = failure { () throws(TokenFailure) in
            try token.verify(for: stream, now: now, linger: .seconds(60), by: secret)
        }
        #expect(found == (good ? nil : .expired))
        #expect(try check(token.text, at: now) == .expired)
    }

    @Test("is refused when any character changes")
    func changed() throws {
        let text = try token().text
        var random = SeededRandom(seed: 7)
        for index in text.indices.dropFirst() {
            for _ in 0..<4 {
                let other = try #require("ABCxyz059-_".filter { $0 != text[index] }.randomElement(using: &random))
                let changed = text.replacingCharacter(at: index, with: other)
                #expect(try check(changed) != nil, "seed 7, \(changed)")
            }
        }
    }

    @Test("is malformed when truncated, lengthened or in another alphabet")
    func malformed() throws {
        let text = try token().text
        for length in 0..<text.count { #expect(try check(String(text.prefix(length))) == .malformed) }
        for wrong in [text + "A", text + "=", "~" + text, String(text.dropFirst()), text.dropLast() + "+", "~\(text)"] {
            #expect(try check(String(wrong)) == .malformed)
        }
    }

    @Test("does not pass for a publish or control token's key")
    func kinds() throws {
        var random = SeededRandom(seed: 3)
        let control = ControlToken(role: .admin, until: inAnHour, by: try secret(), using: &random)
        #expect(try check("~" + control.text.dropFirst("millrace_".count)) == .forged)
    }
}

extension String {
    fileprivate func replacingCharacter(at index: Index, with character: Character) -> String {
        String(self[..<index]) + String(character) + String(self[self.index(after: index)...])
    }
}
