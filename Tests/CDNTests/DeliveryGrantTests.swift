// SPDX-License-Identifier: Apache-2.0

import CDN
import Identity
import Media
import Testing

@Suite("A delivery grant")
struct DeliveryGrantTests {
    @Test("takes a path from slash to slash", arguments: ["/live/", "/live/news/", "/a%20b/c-d_e.f/"])
    func taken(path: String) {
        #expect(DeliveryGrant(base: "https://h:8", path: path, expires: end)?.url("x") == "https://h:8\(path)x")
    }

    @Test(
        "refuses a path that would grant more",
        arguments: [
            "", "/", "live/", "/live", "/live//x/", "/../", "/live/./", "/live/*/", "/live/?/", "/a!b/", "/a~exp=9/",
            "/a\"b/", "/a&b/", "/a b/", "/é/",
        ])
    func refused(path: String) {
        #expect(DeliveryGrant(base: "https://h", path: path, expires: end) == nil)
    }

    @Test("refuses a base that is none and a time that is over before it begins")
    func otherRefusals() {
        #expect(DeliveryGrant(base: "h", path: "/a/", expires: end) == nil)
        #expect(DeliveryGrant(base: "https://h/*", path: "/a/", expires: end) == nil)
        #expect(DeliveryGrant(base: "https://h", path: "/a/", expires: end, starts: end) == nil)
    }

    @Test("puts what a signer makes of it where relative URLs inherit it, or behind them")
    func bases() throws {
        let grant = try #require(DeliveryGrant(base: "https://h:8", path: "/live/news/", expires: end))
        #expect(grant.base(signedBy: nil) == "https://h:8")
        let fastly = try #require(FastlySigner(key: "c2VjcmV0"))
        #expect(grant.base(signedBy: fastly).hasPrefix("https://h:8/~f/1795260030_"))
        #expect(grant.base(signedBy: BunnySigner(key: "k")).hasPrefix("https://h:8/bcdn_token=HS256-"))
        let akamai = try #require(AkamaiSigner(key: "aabb"))
        #expect(grant.base(signedBy: akamai) == "https://h:8?" + akamai.query(for: grant))
        #expect(akamai.query(for: grant).hasPrefix("hdnts=exp=1795260030~acl=/live/news/*~hmac="))
    }

    @Test("ends at the same time for all that are made within half of its life, and never too soon")
    func expiries() {
        let life = Duration.seconds(600)
        var expiries: Set<WallTime> = []
        for second in 0..<3600 as Range<Int> {
            let now = end.advanced(by: .seconds(second))
            let expiry = DeliveryGrant.expiry(at: now, life: life)
            #expect(expiry >= now.advanced(by: life) && expiry <= now.advanced(by: life * 3 / 2))
            expiries.insert(expiry)
        }
        #expect(expiries.count <= 13)
    }

    @Test("names a stream by what no key list divides")
    func surrogateKey() throws {
        #expect(SurrogateKey(try StreamID(parsing: "live/café/1,2")).text == "live/caf%C3%A9/1%2C2")
    }

    private let end = WallTime(milliseconds: 1_795_260_030_000)
}
