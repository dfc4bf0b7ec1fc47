// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Node
import NodeKit
import Origin
import Replica
import TestKit
import Testing

@Suite("A stream with a standby")
struct HolderTests {
    @Test("lists what the standby holds, and everything once it is lost")
    func commits() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            let id = try StreamID(parsing: "demo")
            try await eventually("it is listed") { node.assembly.streams[id]?.replica.isPlayable ?? false }
            let stream = try #require(node.assembly.streams[id])
            let standby = HolderID(1)
            stream.holder(standby, joinsAt: FeedPosition(term: stream.term, number: 0))
            let listed = stream.replica.outlook.reach
            let parts = node.metric("millrace_feed_parts_total")
            try await publisher.publish(.seconds(3))
            try await eventually("parts have come") { node.metric("millrace_feed_parts_total") >= parts + 4 }
            #expect(stream.replica.outlook.reach == listed)
            stream.holder(standby, holds: FeedPosition(term: stream.term, number: 1_000_000))
            #expect(try #require(stream.replica.outlook.reach) > #require(listed))
            stream.holder(standby, joinsAt: FeedPosition(term: stream.term, number: 0))
            stream.lost(standby)
            let freed = try #require(stream.replica.outlook.reach)
            try await publisher.publish(.seconds(3))
            try await eventually("all is listed at once") {
                stream.replica.outlook.reach.map { $0 > freed } ?? false
            }
        }
    }

    @Test("gives up a standby of which nothing is heard while parts wait for it")
    func silence() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            let id = try StreamID(parsing: "demo")
            try await eventually("it is listed") { node.assembly.streams[id]?.replica.isPlayable ?? false }
            let stream = try #require(node.assembly.streams[id])
            #expect(!stream.hasSilentHolders() && !stream.hasSilentHolders())
            stream.holder(HolderID(1), joinsAt: FeedPosition(term: stream.term, number: 0))
            let listed = stream.replica.outlook.reach
            let parts = node.metric("millrace_feed_parts_total")
            try await publisher.publish(.seconds(3))
            try await eventually("parts have come") { node.metric("millrace_feed_parts_total") >= parts + 4 }
            #expect(!stream.hasSilentHolders() && stream.hasSilentHolders())
            #expect(stream.replica.outlook.reach == listed)
            stream.giveUpHolders()
            #expect(try #require(stream.replica.outlook.reach) > #require(listed))
        }
    }
}
