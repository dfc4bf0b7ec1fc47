// SPDX-License-Identifier: Apache-2.0

import CDN
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

    private let end = WallTime(milliseconds: 1_795_260_030_000)
}
