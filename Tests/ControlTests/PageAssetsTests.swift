// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

@Suite("The page")
struct PageAssetsTests {
    private func text(_ path: String) throws -> String {
        String(decoding: try #require(PageAssets.asset(at: path)).bytes, as: UTF8.self)
    }

    private static let texts = PageAssets.paths + ["/watch/live/demo"]

    @Test(
        "answers every stream's address with the player", arguments: ["/watch/live/demo", "/watch/a/b/c", "/watch/ä/ö"])
    func watch(path: String) throws {
        #expect(try text(path).contains("<video"))
        #expect(PageAssets.asset(at: path)?.contentType == "text/html; charset=utf-8")
    }

    @Test(
        "has nothing elsewhere",
        arguments: ["", "/watch", "/watch/", "/watch/live", "/watch/live/", "/watch//x", "/x", "/index.html"])
    func nothing(path: String) { #expect(PageAssets.asset(at: path) == nil) }

    @Test("gives each file a strong entity tag of its own")
    func entityTags() throws {
        let tags = try Self.texts.map { try #require(PageAssets.asset(at: $0)).entityTag }
        #expect(Set(tags).count == tags.count)
        for tag in tags { #expect(tag.count == 34 && tag.hasPrefix("\"") && tag.hasSuffix("\"")) }
    }

    @Test("refers to files that exist and to no other machine", arguments: texts.filter { $0 != "/api/openapi.json" })
    func references(path: String) throws {
        let text = try text(path)
        for match in text.matches(of: /(?:src|href)="([^"#]+)"|from "\.(\/[^"]+)"/) {
            let target = String(match.output.1 ?? match.output.2 ?? "")
            if ["/metrics", "/health"].contains(target) { continue }
            #expect(PageAssets.asset(at: target) != nil, "\(target)")
        }
        for match in text.matches(of: /https?:\/\/([a-z0-9.]+)/) { #expect(match.output.1 == "www.w3.org") }
    }

    @Test(
        "needs no inline script or style, which its policy would refuse",
        arguments: ["/", "/cluster", "/publish", "/watch/live/demo"])
    func inline(path: String) throws {
        let text = try text(path)
        #expect(text.matches(of: /<script(?![^>]*src=)/).isEmpty)
        #expect(!text.contains("<style") && text.matches(of: /\s(style|on[a-z]+)=/).isEmpty)
    }

    @Test("lets scripts come only from the node and where hls.js is")
    func policy() throws {
        let headers = PageAssets.headers(scriptOrigin: "https://cdn.example", mediaOrigins: ["https://media.example"])
        let policy = try #require(headers.first { $0.name == "Content-Security-Policy" }).value
        #expect(policy.contains("script-src 'self' https://cdn.example;"))
        #expect(policy.contains("media-src 'self' https://media.example blob:;"))
        #expect(PageAssets.headers().contains { $0.value.contains("script-src 'self';") })
        #expect(!policy.contains("unsafe"))
    }
}
