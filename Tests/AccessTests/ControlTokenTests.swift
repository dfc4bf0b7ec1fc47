// SPDX-License-Identifier: Apache-2.0

import Access
import Media
import Testing

@Suite("A control token")
struct ControlTokenTests {
    var random = SeededRandom(seed: 5)

    private func check(_ text: String, at now: WallTime = noon) throws -> TokenFailure? {
        let secret = try secret()
        return failure { () throws(TokenFailure) in try ControlToken(parsing: text).verify(now: now, by: secret) }
    }

    @Test("comes back from its text", arguments: ControlRole.allCases)
    mutating func text(role: ControlRole) throws {
        let token = ControlToken(role: role, until: inAnHour, by: try secret(), using: &random)
        let parsed = try ControlToken(parsing: token.text)
        #expect(parsed == token)
        #expect(parsed.role == role)
        #expect(parsed.expiry == inAnHour)
        #expect(try check(token.text) == nil)
        #expect(try check(token.text, at: inAnHour) == .expired)
    }

    @Test("is forged when a higher role is written into it")
    mutating func widened() throws {
        let low = ControlToken(role: .reader, until: inAnHour, by: try secret(), using: &random).text
        let high = ControlToken(role: .admin, until: inAnHour, by: try secret(), using: &random).text
        let mixed = String(high.prefix("millrace_".count + 4)) + low.dropFirst("millrace_".count + 4)
        #expect(try ControlToken(parsing: mixed).role == .admin)
        #expect(try check(mixed) == .forged)
    }

    @Test("is malformed when truncated, without its prefix or of an unknown role")
    mutating func malformed() throws {
        let text = ControlToken(role: .operator, until: inAnHour, by: try secret(), using: &random).text
        for length in 0..<text.count { #expect(try check(String(text.prefix(length))) == .malformed) }
        #expect(try check("Millrace_" + text.dropFirst(9)) == .malformed)
        #expect(try check("millrace_AAAA" + text.dropFirst(13)) == .malformed)
    }

    @Test("names its roles in their order")
    func roles() {
        #expect(ControlRole.allCases.map(\.description) == ["reader", "operator", "admin"])
        #expect(ControlRole.reader < .operator && ControlRole.operator < .admin)
        for role in ControlRole.allCases { #expect(ControlRole(parsing: role.description) == role) }
        #expect(ControlRole(parsing: "root") == nil)
    }
}

@Suite("An access secret")
struct AccessSecretTests {
    @Test("has at least 16 bytes")
    func length() throws {
        #expect(throws: AccessSecret.TooShort.self) { _ = try secret("fifteen letters") }
        _ = try secret("sixteen letters!")
    }
}
