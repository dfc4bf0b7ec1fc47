// SPDX-License-Identifier: Apache-2.0

import Access
import Foundation
import Identity
import Node
import NodeKit
import Origin
import RTMP
import TestKit
import Testing

@Suite("The API")
struct APITests {
    private static let reads = [
        "/api/v1/streams", "/api/v1/streams/demo", "/api/v1/streams/demo/viewers", "/api/v1/status",
    ]
    private static let wish = #"{"streamKey": "demo"}"#

    @Test("lets each role do what it may")
    func roles() async throws {
        try await TestNode.run {
            $0.access.trustLoopback = false
        } _: { node in
            _ = try await node.publisher("demo?token=\(node.publishToken(try StreamID(parsing: "demo")))")
            for role in ControlRole.allCases {
                let bearer = ["Authorization": "Bearer \(node.controlToken(role))"]
                for path in Self.reads {
                    let answer = try await node.ask(path, fields: bearer)
                    #expect(answer.status == 200, "\(role) \(path)")
                }
                let publish = try await node.ask("/api/v1/publish", method: "POST", fields: bearer, body: Self.wish)
                #expect(publish.status == (role == .reader ? 403 : 200))
                let stop = try await node.ask("/api/v1/streams/x/stop", method: "POST", fields: bearer)
                #expect(stop.status == (role == .reader ? 403 : 404))
            }
        }
    }

    @Test("asks for a good token where there is none, or a bad one")
    func unauthorized() async throws {
        try await TestNode.run {
            $0.access.trustLoopback = false
        } _: { node in
            let good = node.controlToken(.admin)
            let bad = [
                nil, "Bearer", "Bearer x", "Basic \(good)", "Bearer \(good)x",
                "Bearer \(node.publishToken(try StreamID(parsing: "demo")))",
                "Bearer \(node.controlToken(.admin, life: .seconds(-5)))",
            ]
            for header in bad {
                let answer = try await node.ask(Self.reads[0], fields: header.map { ["Authorization": $0] } ?? [:])
                #expect(answer.status == 401 && answer.fields["www-authenticate"] == "Bearer")
                #expect(answer.text.hasPrefix(#"{"error":""#))
            }
            for open in ["/api/ping", "/health", "/ready", "/metrics", "/api/v1/player", "/api/openapi.json", "/"] {
                let answer = try await node.ask(open)
                #expect(answer.status == 200, "\(open)")
            }
        }
    }

    @Test(
        "trusts no caller who may speak for another",
        arguments: [
            ["X-Forwarded-For": "192.0.2.1"], ["X-Forwarded-Proto": "https"], ["Forwarded": "for=192.0.2.1"],
            ["X-Real-IP": "192.0.2.1"], ["Via": "1.1 proxy"], ["Origin": "https://evil.example"], ["Origin": "null"],
            ["Host": "evil.example"], ["Sec-Fetch-Site": "cross-site"], ["Host": "127.0.0.1.evil.example"],
        ])
    func untrusted(fields: [String: String]) async throws {
        try await TestNode.run { node in
            for path in Self.reads {
                let answer = try await node.ask(path, fields: fields)
                #expect(answer.status == 401, "\(path)")
            }
            let publish = try await node.ask("/api/v1/publish", method: "POST", fields: fields, body: Self.wish)
            #expect(publish.status == 401)
        }
    }

    @Test("trusts a program on this machine, and the node's own page")
    func trusted() async throws {
        try await TestNode.run { node in
            let own = "127.0.0.1:\(node.httpPort)"
            let callers: [[String: String]] = [
                [:], ["Origin": "http://\(own)", "Sec-Fetch-Site": "same-origin"],
                ["Host": "localhost:\(node.httpPort)"],
                ["Host": "[::1]:80"],
            ]
            for fields in callers {
                let answer = try await node.ask("/api/v1/streams", fields: fields)
                #expect(answer.status == 200, "\(fields)")
            }
        }
    }

    @Test("knows a stream of another app by both parts of its name")
    func keys() async throws {
        try await TestNode.run { node in
            _ = try await node.publisher("show/one", app: "vip")
            _ = try await node.publisher()
            let far = try await node.ask("/api/v1/streams/vip%2Fshow%2Fone")
            #expect(far.text.contains(#""streamKey":"vip/show/one""#) && far.text.contains(#""app":"vip""#))
            for key in ["demo", "live%2Fdemo"] {
                let near = try await node.ask("/api/v1/streams/\(key)")
                #expect(near.status == 200 && near.text.contains(#""streamKey":"demo""#))
            }
            #expect(try await node.ask("/api/v1/streams/vip").status == 404)
            #expect(try await node.ask("/api/v1/streams").text.contains(#""total":2"#))
            #expect(try await node.ask("/api/v1/streams/vip%2Fshow%2Fone/stop", method: "POST").status == 200)
        }
    }

    @Test("makes publish tokens that publish", arguments: ["demo", "vip/show"])
    func publishTokens(key: String) async throws {
        try await TestNode.run {
            $0.access.trustLoopback = false
        } _: { node in
            let answer = try await node.ask(
                "/api/v1/publish", method: "POST", fields: ["Authorization": "Bearer \(node.controlToken(.operator))"],
                body: #"{"streamKey": "\#(key)", "expiresIn": 60}"#)
            let fields = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: String]
            let url = try #require(fields?["publishUrl"])
            let prefix = "rtmp://127.0.0.1:\(node.rtmpPort)/"
            #expect(url.hasPrefix(prefix))
            let path = url.dropFirst(prefix.count).split(separator: "/", maxSplits: 1)
            let publisher = try await node.publisher(String(path[1]), app: String(path[0]))
            try await publisher.publish(.seconds(3))
            #expect(fields?["streamKey"] == key)
        }
    }

    @Test("bounds the life of publish tokens")
    func publishLife() async throws {
        try await TestNode.run {
            $0.access.publishTokenLifeMaximum = .seconds(7200)
        } _: { node in
            let lives = [
                ("", 3600), (#", "expiresIn": 60"#, 60), (#", "expiresIn": 999999999999"#, 7200),
                (#", "expiresIn": 9223372036854775807"#, 7200), (#", "expiresIn": -9"#, 1),
            ]
            for (wish, life) in lives {
                let answer = try await node.ask(
                    "/api/v1/publish", method: "POST", body: "{\"streamKey\": \"demo\"\(wish)}")
                let fields = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: String]
                let text = try #require(fields?["expiresAt"])
                let expiry = try #require(
                    try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))))
                #expect(abs(expiry.timeIntervalSinceNow - Double(life)) < 10, "\(wish) \(text)")
            }
        }
    }

    @Test(
        "refuses wishes to publish that it does not understand",
        arguments: [
            "", "{", "[]", "{}", #"{"streamKey": 5}"#, #"{"streamKey": ".."}"#, #"{"streamKey": "a b"}"#,
            #"{"streamKey": "demo", "expiresIn": "soon"}"#, #"{"streamKey": "demo", "expiresIn": 1.5}"#,
        ])
    func badWishes(body: String) async throws {
        try await TestNode.run { node in
            let answer = try await node.ask("/api/v1/publish", method: "POST", body: body)
            #expect(answer.status == 400 && answer.text.hasPrefix(#"{"error":""#))
        }
    }

    @Test("says errors of its own in one shape")
    func errors() async throws {
        try await TestNode.run { node in
            let large = "{\"streamKey\": \"\(String(repeating: "a", count: 20_000))\"}"
            let answers = [
                (404, try await node.ask("/api/v1/nothing")), (404, try await node.ask("/api/v1/publish")),
                (404, try await node.ask("/api/v1/streams", method: "DELETE")),
                (413, try await node.ask("/api/v1/publish", method: "POST", body: large)),
            ]
            for (status, answer) in answers {
                #expect(answer.status == status && answer.fields["content-type"] == "application/json")
                #expect(answer.text.hasPrefix(#"{"error":""#), "\(status) \(answer.text)")
            }
        }
    }

    @Test("is not ready while it goes down")
    func readiness() async throws {
        try await TestNode.run { node in
            #expect(try await node.ask("/ready").text.contains(#""ready":true"#))
            node.assembly.streams.close()
            let answer = try await node.ask("/ready")
            #expect(answer.status == 503 && answer.text.contains("draining"))
            #expect(try await node.ask("/health").status == 200)
        }
    }
}

@Suite("The page's files")
struct PageFilesTests {
    @Test(
        "come with a policy and a tag, by which they are not sent twice",
        arguments: ["/", "/watch/live/demo", "/app.js"])
    func files(path: String) async throws {
        try await TestNode.run { node in
            let answer = try await node.ask(path)
            #expect(answer.status == 200 && !answer.body.isEmpty)
            #expect(answer.fields["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
            #expect(answer.fields["x-content-type-options"] == "nosniff")
            let tag = try #require(answer.fields["etag"])
            let again = try await node.ask(path, fields: ["If-None-Match": tag])
            #expect(again.status == 304 && again.body.isEmpty && again.fields["etag"] == tag)
            let head = try await node.ask(path, method: "HEAD")
            #expect(head.status == 200 && head.body.isEmpty && head.fields["etag"] == tag)
            #expect(head.fields["content-length"] == String(answer.body.count))
        }
    }

    @Test("are not there when settings switch them off, and the API is")
    func disabled() async throws {
        try await TestNode.run {
            $0.page.enabled = false
        } _: { node in
            for path in ["/", "/watch/live/demo", "/app.js"] {
                let answer = try await node.ask(path)
                #expect(answer.status == 404, "\(path)")
            }
            #expect(try await node.ask("/api/openapi.json").status == 200)
        }
    }

    @Test("have hls.js among them where it is set, with the integrity that the page asks for")
    func script() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "hls-\(UInt64.random(in: 0 ... .max)).js")
        try Data("window.Hls = 1".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try await TestNode.run {
            $0.page.hlsScript = file.path
        } _: { node in
            #expect(try await node.ask("/player/hls.js").text == "window.Hls = 1")
            let player = try await node.ask("/api/v1/player").text
            #expect(player.contains(#""integrity":"sha384-"#) && player.contains(#""url":"/player/hls.js""#))
        }
    }
}
