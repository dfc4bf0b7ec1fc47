// SPDX-License-Identifier: Apache-2.0

import Access
import Testing

@Suite("A caller")
struct CallerTests {
    struct Row: Sendable {
        var loopback = true
        var proxy = false
        var authority: String? = "localhost:8080"
        var headers: [(String, String)] = []
        var local: Bool
    }

    static let rows: [Row] = [
        Row(local: true),
        Row(authority: nil, local: true),
        Row(authority: "127.0.0.1:8080", local: true),
        Row(authority: "127.1.2.3", local: true),
        Row(authority: "[::1]:8080", local: true),
        Row(authority: "LOCALHOST", local: true),
        Row(headers: [("Accept", "*/*"), ("User-Agent", "x-forwarded-for")], local: true),
        Row(headers: [("Origin", "http://localhost:8080")], local: true),
        Row(headers: [("origin", "https://LocalHost:8080")], local: true),
        Row(headers: [("Sec-Fetch-Site", "same-origin")], local: true),
        Row(headers: [("Sec-Fetch-Site", "none")], local: true),
        Row(loopback: false, local: false),
        Row(proxy: true, local: false),
        Row(authority: "evil.example:8080", local: false),
        Row(authority: "evil.example:8080", headers: [("Origin", "http://evil.example:8080")], local: false),
        Row(authority: "localhost.evil.example", local: false),
        Row(authority: "127.0.0.1.evil.example", local: false),
        Row(authority: "127.0.0", local: false),
        Row(authority: "127.0.0.+1", local: false),
        Row(authority: "127.0.0.256", local: false),
        Row(authority: "", local: false),
        Row(authority: "[::1].evil.example", local: false),
        Row(authority: "[::2]", local: false),
        Row(headers: [("Forwarded", "for=1.2.3.4")], local: false),
        Row(headers: [("X-Forwarded-For", "")], local: false),
        Row(headers: [("x-forwarded-proto", "https")], local: false),
        Row(headers: [("X-FORWARDED-HOST", "a")], local: false),
        Row(headers: [("Via", "1.1 cache")], local: false),
        Row(headers: [("X-Real-IP", "1.2.3.4")], local: false),
        Row(headers: [("Origin", "http://localhost:3000")], local: false),
        Row(headers: [("Origin", "null")], local: false),
        Row(headers: [("Origin", "https://evil.example"), ("Origin", "http://localhost:8080")], local: false),
        Row(authority: nil, headers: [("Origin", "http://localhost:8080")], local: false),
        Row(headers: [("Sec-Fetch-Site", "cross-site")], local: false),
        Row(headers: [("Sec-Fetch-Site", "same-site")], local: false),
    ]

    @Test("is local only when nothing says that it speaks for another", arguments: rows)
    func local(row: Row) {
        var caller = Caller(isLoopback: row.loopback, bearsProxyProtocol: row.proxy, authority: row.authority)
        for (name, value) in row.headers { caller.note(header: name, value: value) }
        #expect(caller.isLocal == row.local)
    }
}
