// SPDX-License-Identifier: Apache-2.0

import Node
import NodeKit
import Testing
import Transport

@Suite("The metrics")
struct MetricsAccessTests {
    /// What the router takes for the same path.
    private static let spellings = [
        "/metrics", "//metrics", "/metrics/", "///metrics//", "/metrics?a=b", "/metrics/?a=b",
    ]

    @Test("are read from networks that may and from no others, however the path is spelt", arguments: spellings)
    func networks(path: String) async throws {
        try await TestNode.run {
            $0.access.metricsAddresses = ["127.0.0.2"].compactMap(AddressPrefix.init(parsing:))
        } _: { node in
            for host in ["127.0.0.1", "127.0.0.3"] {
                let refused = try await node.ask(path, from: host)
                #expect(refused.status == 404 && !refused.text.contains("millrace_"), "\(host)")
            }
            let answer = try await node.ask(path, from: "127.0.0.2")
            #expect(answer.status == 200 && answer.text.contains("millrace_"))
        }
    }

    @Test(
        "are not there for whom a proxy speaks, which looks as if there were none",
        arguments: [
            ["X-Forwarded-For": "127.0.0.1"], ["X-Forwarded-Proto": "https"], ["Forwarded": "for=127.0.0.1"],
            ["Via": "1.1 proxy"], ["X-Real-IP": "127.0.0.1"],
        ])
    func forwarded(fields: [String: String]) async throws {
        try await TestNode.run { node in
            let nothing = try await node.ask("/nothing", fields: fields)
            for path in Self.spellings {
                let answer = try await node.ask(path, fields: fields)
                #expect(answer.status == 404 && answer.body == nothing.body, "\(path)")
                try APIDocument.check(answer.status, answer.fields["content-type"], answer.body, of: "GET /metrics")
            }
            #expect(try await node.ask("/metrics").status == 200)
        }
    }

    @Test("are for this machine and local networks where nothing else is set")
    func world() async throws {
        #expect(NodeSettings().access.metricsAddresses == [AddressPrefix].local)
        let site = try DeskSite()
        #expect(try await site.ask("/metrics").status == 200)
        for path in Self.spellings { #expect(try await site.ask(path, isFar: true).status == 404, "\(path)") }
    }

    @Test("are for nobody where the list is empty")
    func nobody() async throws {
        try await TestNode.run {
            $0.access.metricsAddresses = []
        } _: { node in
            let (refused, health) = (try await node.ask("/metrics"), try await node.ask("/health"))
            #expect(refused.status == 404 && health.status == 200)
        }
    }
}
