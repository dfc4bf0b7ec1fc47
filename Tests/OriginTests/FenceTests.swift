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

@Suite("A stream that is fenced")
struct FenceTests {
    @Test("writes nothing, and does afterwards in order what its publishers did meanwhile")
    func order() async throws {
        try await TestNode.run { node in
            let first = try await node.publisher()
            try await first.publish(.milliseconds(4050))
            try await eventually("it plays") { try await node.playlist().segments.count >= 3 }
            let stream = try #require(node.assembly.streams.all.first)
            let before = try await node.playlist()
            #expect(stream.fence(.lease))
            #expect(!stream.fence(.lease) && stream.fences == .lease)
            await first.vanish()
            try await eventually("it is gone") { stream.publisherAge == nil }
            let second = try await node.publisher()
            let messages = node.metric("millrace_ingest_messages_total", "video")
            try await second.publish(.seconds(4))
            try await eventually("the media is here") {
                node.metric("millrace_ingest_messages_total", "video") >= messages + 120
            }
            #expect(try await node.playlist().lines == before.lines)
            stream.unfence(.lease)
            try await eventually("it goes on") { try await node.playlist().lastMSN > before.lastMSN + 3 }
            let after = try await node.playlist()
            #expect(after.term == before.term && !after.lines.contains("#EXT-X-DISCONTINUITY"))
        }
    }

    @Test("opens when the last reason has gone")
    func reasons() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3050))
            let stream = try #require(node.assembly.streams.all.first)
            stream.fence(.lease)
            stream.fence(.clock)
            let reach = stream.replica.outlook.reach
            let messages = node.metric("millrace_ingest_messages_total", "video")
            try await publisher.send(from: .milliseconds(3050), to: .seconds(6))
            try await eventually("the media is here") {
                node.metric("millrace_ingest_messages_total", "video") >= messages + 80
            }
            stream.unfence(.clock)
            #expect(stream.replica.outlook.reach == reach)
            stream.unfence(.lease)
            #expect(stream.replica.outlook.reach != reach)
        }
    }

    @Test("goes on above a term that somebody wrote in while its publisher is here, and is theirs when it is not")
    func outdone() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3050))
            try await eventually("it plays") { try await node.playlist().segments.count >= 2 }
            let stream = try #require(node.assembly.streams.all.first)
            let higher = Term(number: stream.term.number + 1000, salt: 3)
            #expect(node.assembly.streams.outdo(stream, higher))
            try await eventually("it has a term above") { stream.hasTerm && stream.term > higher }
            #expect(!publisher.story.isClosed)
            await publisher.vanish()
            try await eventually("it is gone") { stream.publisherAge == nil }
            let highest = Term(number: stream.term.number + 1000, salt: 3)
            #expect(node.assembly.streams.outdo(stream, highest))
            #expect(stream.isYielded && stream.term < highest)
        }
    }

    @Test("is given up to another node: its publisher is cut, and it writes no more")
    func yields() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3050))
            try await eventually("it plays") { !node.assembly.streams.all.isEmpty }
            let stream = try #require(node.assembly.streams.all.first)
            stream.yield()
            try await eventually("the publisher is cut") { publisher.story.isClosed }
            #expect(node.assembly.streams.all.isEmpty && node.assembly.streams.publisherCount == 0)
            #expect(!stream.begin(Term(number: .max, salt: 0), packaging: 1, listed: nil))
        }
    }
}
