// SPDX-License-Identifier: Apache-2.0

import Identity
import RTMP
import Testing

@Suite("A stream address")
struct StreamAddressTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let app: String
        let name: String
        let stream: String?
        let query: String
        var testDescription: String { "\(app) + \(name)" }

        init(_ app: String, _ name: String, _ stream: String?, _ query: String = "") {
            self.app = app
            self.name = name
            self.stream = stream
            self.query = query
        }
    }

    @Test(
        "is taken from app and name however the encoder cut the URL",
        arguments: [
            Row("live", "key", "live/key"), Row("live", "key?token=abc", "live/key", "token=abc"),
            Row("live", "key?foo=1&token=x", "live/key", "foo=1 token=x"),
            Row("live/room", "key?token=a/b&x=1", "live/room/key", "token=a/b x=1"),
            Row("live?vhost=a", "key", "live/key", "vhost=a"),
            Row("a/b", "c/d?t=1", "a/b/c/d", "t=1"), Row("app/inst", "key", "app/inst/key"),
            Row("live", "key?u=http://x/y", "live/key", "u=http://x/y"),
            Row("live/my-stream", "?key=abc", "live/my-stream", "key=abc"),
            Row("live/key?token=a", "b&x=1", "live/key", "token=a/b x=1"),
            Row("live?token=app&z=2", "key?token=name", "live/key", "token=name z=2"),
            Row("/live/", "/key/", "live/key"), Row("live/_definst_", "mp4:key", "live/key"),
            Row("live", "flv:key?a", "live/key", "a="), Row("class-7", "", "live/class-7"),
            Row("", "class-7", "live/class-7"),
            Row("live", "key?t=%2Fx+y", "live/key", "t=%2Fx+y"), Row("live", "kéy", "live/kéy"),
            Row("live", "", nil), Row("live/", "", nil), Row("", "", nil), Row("live", "../x", nil),
            Row("live", "a/../../x?token=1", nil, "token=1"), Row("live", "%2e%2e", nil), Row("live", "a//b", nil),
            Row("live", "a\u{0}b", nil), Row("live", "a\u{FFFD}", nil), Row("api", "x", nil),
            Row("live", "x.m3u8", nil),
            Row("live", String(repeating: "x", count: 124), nil), Row("~x", "y", nil),
        ])
    func table(row: Row) {
        let address = StreamAddress(app: row.app, name: row.name)
        #expect((try? address.streamID().description) == row.stream)
        #expect(address.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: " ") == row.query)
    }

    @Test("keeps what was sent of 4 KiB and more")
    func longToken() {
        let token = String(repeating: "t", count: 8000)
        #expect(StreamAddress(app: "live", name: "key?token=\(token)")["token"] == token)
    }

    @Test("never shows a key")
    func secrecy() {
        let address = StreamAddress(app: "live?key=SECRET", name: "x?token=SECRET")
        var dumped = ""
        dump(address, to: &dumped)
        dump(address.parameters, to: &dumped)
        let request = "\(address) \(String(reflecting: address)) \(address.parameters) \(dumped)"
        #expect(!request.contains("SECRET"))
    }
}
