// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Media
import Node
import NodeKit
import TestKit
import Testing

@Suite("A node with a CDN")
struct OffloadTests {
    @Test("refuses what its own cluster has asked for, and a CDN has sent round")
    func loops() async throws {
        var lone = ""
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3050))
            try await eventually("it is live") { try await node.playlist().segments.count >= 2 }
            lone = node.assembly.loopGuard.token
            for value in [lone, "cdn.example; a=\"b\", \(lone)", "\(lone),cdn.example"] {
                let answer = try await node.ask("/live/demo/index.m3u8", fields: ["CDN-Loop": value])
                #expect(answer.status == 508 && answer.fields["cache-control"] == "no-store", "\(value)")
            }
            for value in ["cdn.example", "millrace", String(lone.dropLast()), ""] {
                let answer = try await node.ask("/live/demo/index.m3u8", fields: ["CDN-Loop": value])
                #expect(answer.status == 200, "\(value)")
            }
            #expect(node.metric("millrace_cdn_loops_total") == 3)
        }
        try await TestCluster.run(2) { cluster in
            #expect(cluster[0].assembly.loopGuard.token == cluster[1].assembly.loopGuard.token)
            #expect(cluster[0].assembly.loopGuard.token != lone)
        }
    }

    @Test("leads its viewers there from one segment on, and changes nothing that was listed")
    func switching() async throws {
        try await TestNode.run {
            $0.cdn.url = "https://cdn.example"
            $0.cdn.viewers = 1
            $0.cdn.signer = .secureLink
            $0.cdn.key = SecretText("a secret of nginx")
        } _: { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3050))
            try await eventually("three segments are there") { try await node.playlist().segments.count == 3 }
            let before = try await node.playlist()
            #expect(before.segments.allSatisfy { $0.hasPrefix("/live/demo/main/") })
            node.running.keepHouse()
            #expect(node.metric("millrace_cdn_streams") == 1)
            #expect(node.metric("millrace_cdn_switches_total", "\"cdn\"") == 1)
            try await publisher.send(from: .milliseconds(3050), to: .milliseconds(7050), of: .seconds)
            try await eventually("seven segments are there") { try await node.playlist().segments.count == 7 }
            let after = try await node.playlist()
            let names = after.lines.filter { !$0.hasPrefix("#") }
            #expect(Array(after.segments.prefix(3)) == before.segments)
            // The fourth had begun when it was decided.
            #expect(names[3].hasPrefix("https://") == false)
            for name in names.suffix(3) {
                let match = try #require(
                    name.wholeMatch(
                        of: #/https://cdn\.example/~s/[A-Za-z0-9_-]{22}/\d+/live/demo/main/[0-9a-f-]+/\d+\.m4s/#))
                #expect(!match.output.isEmpty)
            }
            #expect(Set(names.suffix(3).map { $0.split(separator: "/")[3] }).count == 1)
            #expect(after.parts.allSatisfy { $0.hasPrefix("/live/demo/main/") && !$0.contains("cdn.example") })
            #expect(after.initSections.allSatisfy { $0.hasPrefix("/live/demo/main/") })
            let asked = "/live/demo/main/media.m3u8?_HLS_msn=\(after.lastMSN)&_HLS_part=0"
            let answer = try await node.ask(asked)
            #expect(answer.fields["surrogate-key"] == "live/demo")
            #expect(answer.fields["cache-control"]?.hasPrefix("public, max-age=") == true)
            #expect(!node.log.text.contains("a secret of nginx"))
        }
    }

    @Test("keeps from it what only viewers with a token may have, and what it is told to keep")
    func kept() async throws {
        for change in [{ $0.access.viewerApps = ["live"] }, { $0.cdn.offload = .never }]
            as [(inout NodeSettings) -> Void]
        {
            try await TestNode.run {
                $0.cdn.url = "https://cdn.example"
                $0.cdn.offload = .always
                change(&$0)
            } _: { node in
                let publisher = try await node.publisher()
                node.running.keepHouse()
                try await publisher.publish(.milliseconds(4050))
                let token = node.viewerToken(try .init(parsing: "live/demo"))
                try await eventually("segments are there") {
                    let answer = try await node.ask("/\(token)/live/demo/main/media.m3u8")
                    return answer.text.contains("#EXTINF")
                }
                let text = try await node.ask("/\(token)/live/demo/main/media.m3u8").text
                #expect(!text.contains("cdn.example"))
            }
        }
    }

    @Test("has it forget what is taken down, and says so where it does not")
    func takedown() async throws {
        let cdn = try await TestNode.start()
        for isThere in [true, false] {
            try await TestNode.run {
                $0.cdn.url = "https://cdn.example"
                let path = isThere ? "api/ping" : "nothing"
                $0.cdn.purgeURL = SecretText("http://127.0.0.1:\(cdn.httpPort)/\(path)?key={key}&url={url}*")
                $0.cdn.purgeMethod = "GET"
                $0.cdn.purgeHeader = SecretText("X-Key: hunter-two")
            } _: { node in
                let publisher = try await node.publisher()
                try await publisher.publish(.milliseconds(3050))
                try await eventually("it is live") { try await node.playlist().segments.count >= 2 }
                let answer = try await node.ask("/api/v1/streams/demo", method: "DELETE")
                #expect(answer.status == 200)
                #expect(answer.text == #"{"ended":true,"purging":true,"streamKey":"demo"}"#)
                let outcome = isThere ? "\"done\"" : "\"failed\""
                try await eventually("the CDN was asked") {
                    node.metric("millrace_cdn_purges_total", outcome) == 1
                }
                #expect(node.log.text.contains("the CDN does not forget") == !isThere)
                #expect(!node.log.text.contains("hunter-two"))
            }
        }
        await cdn.stop()
    }

    @Test(
        "does not start with what can not be",
        arguments: [
            { $0.cdn.signer = .google }, { $0.cdn.purgeURL = SecretText("http://x") },
            {
                $0.cdn.url = "https://x"
                $0.cdn.signer = .cloudfront
                $0.cdn.key = SecretText("k")
            },
            {
                $0.cdn.url = "https://x"
                $0.cdn.purgeURL = SecretText("http://x")
                $0.cdn.purgeHeader = SecretText("no header\n: x")
            },
        ] as [@Sendable (inout NodeSettings) -> Void])
    func contradictions(change: @Sendable (inout NodeSettings) -> Void) {
        var settings = NodeSettings()
        change(&settings)
        #expect(!settings.contradictions.isEmpty)
    }

    @Test("does not start with a key that is none")
    func badKey() async throws {
        await #expect(throws: SettingsFailure.self) {
            _ = try await TestNode.start {
                $0.cdn.url = "https://cdn.example"
                $0.cdn.signer = .cloudfront
                $0.cdn.keyName = "K"
                $0.cdn.key = SecretText("no PEM")
            }
        }
    }
}
