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
import Transport

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
            let standby = try #require(NodeID(parsing: "standby"))
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

    @Test("gives up a standby of which nothing is heard, and waits for it again when it acknowledges again")
    func silence() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            let id = try StreamID(parsing: "demo")
            try await eventually("it is listed") { node.assembly.streams[id]?.replica.isPlayable ?? false }
            let stream = try #require(node.assembly.streams[id])
            let standby = try #require(NodeID(parsing: "standby"))
            stream.holder(standby, joinsAt: FeedPosition(term: stream.term, number: 1_000_000))
            #expect(stream.questionableHolders.isEmpty)
            stream.holder(standby, joinsAt: FeedPosition(term: stream.term, number: 0))
            let listed = stream.replica.outlook.reach
            let parts = node.metric("millrace_feed_parts_total")
            try await publisher.publish(.seconds(3))
            try await eventually("parts have come") { node.metric("millrace_feed_parts_total") >= parts + 4 }
            try await eventually("it is to be asked") { stream.questionableHolders == [standby] }
            #expect(stream.replica.outlook.reach == listed)
            #expect(stream.giveUpHolders(askedAt: SystemClock.now(), answered: []) == [standby])
            #expect(try #require(stream.replica.outlook.reach) > #require(listed) && !stream.isHeldElsewhere)
            stream.holder(standby, holds: FeedPosition(term: Term(number: 1, salt: 1), number: 9))
            #expect(!stream.isHeldElsewhere)
            stream.holder(standby, holds: FeedPosition(term: stream.term, number: 9))
            #expect(stream.isHeldElsewhere)
        }
    }

    @Test("keeps it when another node is gone")
    func others() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            let id = try StreamID(parsing: "demo")
            try await eventually("it has begun") { node.assembly.streams[id]?.hasTerm ?? false }
            let stream = try #require(node.assembly.streams[id])
            let (standby, other) = try (#require(NodeID(parsing: "a")), #require(NodeID(parsing: "b")))
            stream.holder(standby, joinsAt: FeedPosition(term: stream.term, number: 0))
            stream.lost(other)
            #expect(stream.isHeldElsewhere)
            stream.lost(standby)
            #expect(!stream.isHeldElsewhere)
        }
    }
}
