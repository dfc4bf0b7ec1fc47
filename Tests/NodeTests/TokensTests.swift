// SPDX-License-Identifier: Apache-2.0

import Access
import Identity
import Node
import NodeKit
import Testing
import Transport

@Suite("The command line's tokens")
struct TokensTests {
    @Test("come from the running node where access.secret is not set")
    func asksTheNode() async throws {
        try await TestNode.run({ $0.access.secret = nil }) { node in
            var settings = NodeSettings()
            settings.http.port = node.httpPort
            let stream = try StreamID(parsing: "live/room")
            let text = try Tokens(settings).publish(stream, life: .seconds(60))
            try PublishToken(parsing: text).verify(for: stream, now: SystemClock.wall(), by: node.policy.secret)
        }
    }

    @Test("are made without a node where it is set")
    func signsAlone() throws {
        var settings = NodeSettings()
        settings.access.secret = SecretText(TestNode.secret)
        let stream = try StreamID(parsing: "live/room")
        let secret = try AccessSecret(Array(TestNode.secret.utf8)[...])
        let text = try Tokens(settings).publish(stream, life: nil)
        try PublishToken(parsing: text).verify(for: stream, now: SystemClock.wall(), by: secret)
        #expect(throws: Never.self) { try Tokens(settings).viewer(stream, life: .seconds(60)) }
    }

    @Test("are refused for viewers and control without it")
    func refuses() throws {
        let stream = try StreamID(parsing: "live/room")
        #expect(throws: (any Error).self) { try Tokens(NodeSettings()).viewer(stream, life: .seconds(60)) }
        #expect(throws: (any Error).self) { try Tokens(NodeSettings()).control(.reader, life: .seconds(60)) }
    }
}
