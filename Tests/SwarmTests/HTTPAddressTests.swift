// SPDX-License-Identifier: Apache-2.0

import Swarm
import Testing

@Suite("An address") struct HTTPAddressTests {
    @Test(
        "is taken out of a URL",
        arguments: [
            ("http://a.test/live/x.m3u8?k=1", "a.test", 80, "/live/x.m3u8?k=1"),
            ("http://127.0.0.1:8080", "127.0.0.1", 8080, "/"),
            ("http://[::1]:8080/x", "::1", 8080, "/x"),
            ("http://[::1]/x", "::1", 80, "/x"),
        ])
    func parsing(_ url: String, _ host: String, _ port: Int, _ path: String) throws {
        let address = try #require(HTTPAddress(url))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.path == path)
    }

    @Test("knows the port of RTMP")
    func rtmp() { #expect(HTTPAddress("rtmp://a/live", scheme: "rtmp")?.port == 1935) }

    @Test(
        "of the web says whether TLS is spoken there",
        arguments: [
            ("https://a.test/x", 443, true), ("https://a.test:8443/x", 8443, true), ("http://a.test/x", 80, false),
        ])
    func secure(_ url: String, _ port: Int, _ isSecure: Bool) throws {
        let address = try #require(HTTPAddress(web: url))
        #expect(address.port == port)
        #expect(address.isSecure == isSecure)
        #expect(address.at("/y").isSecure == isSecure)
    }

    @Test("is not of the same server with and without TLS, whatever the port")
    func servers() throws {
        let plain = try #require(HTTPAddress(web: "http://a.test:8443/x"))
        let secure = try #require(HTTPAddress(web: "https://a.test:8443/x"))
        #expect(!plain.isOfServer(of: secure))
        #expect(plain.resolve("https://a.test:8443/y", base: "/x") == nil)
        #expect(secure.resolve("https://a.test:8443/y", base: "/x") == "/y")
        #expect(plain.following("https://a.test:8443/y") == secure.at("/y"))
        #expect(secure.following("y") == secure.at("/y"))
    }

    @Test(
        "is the same at another host, and at its own port where that names none",
        arguments: [
            ("b.test", "b.test", 8443), ("b.test:81", "b.test", 81), ("[::1]", "::1", 8443), ("[::1]:81", "::1", 81),
        ])
    func hosts(_ authority: String, _ host: String, _ port: Int) throws {
        let address = try #require(HTTPAddress(web: "https://a.test:8443/x")?.moved(to: authority))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.path == "/x" && address.isSecure)
    }

    @Test("is none at what is no host", arguments: ["", ":81", "b.test:0", "b.test:x", "b.test/x"])
    func wrongHosts(_ authority: String) {
        #expect(HTTPAddress(web: "https://a.test/x")?.moved(to: authority) == nil)
    }

    @Test(
        "is none in anything else",
        arguments: ["", "http://", "http:///x", "https://a/x", "http://a:0/", "http://a:x/", "http://a:65536/"])
    func refusals(_ url: String) { #expect(HTTPAddress(url) == nil) }

    @Test(
        "leads on to what a document names",
        arguments: [
            ("x.ts", "/live/x.ts"), ("main/media.m3u8", "/live/main/media.m3u8"), ("/y.ts", "/y.ts"),
            ("../y.ts", "/y.ts"), ("./y.ts", "/live/y.ts"), ("../../../y.ts", "/y.ts"),
            ("http://a.test/z?q=/", "/z?q=/"), ("http://b.test/z", nil), ("//b.test/z", nil), ("https://a.test/z", nil),
        ] as [(String, String?)])
    func resolving(_ reference: String, _ path: String?) throws {
        let address = try #require(HTTPAddress("http://a.test/live/index.m3u8?x=/y/"))
        #expect(address.resolve(reference, base: address.path) == path)
    }
}

@Suite("A name template") struct NameTemplateTests {
    @Test("puts the number in every place of its mark")
    func numbers() {
        #expect(NameTemplate("a-{n}/{n}?x")(7) == "a-7/7?x")
        #expect(NameTemplate("{n}")(12) == "12")
        #expect(NameTemplate("plain")(3) == "plain")
        #expect(!NameTemplate("plain").isNumbered)
    }
}
