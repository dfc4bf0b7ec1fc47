// SPDX-License-Identifier: Apache-2.0

import Node
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("A stream")
struct StreamLifeTests {
    @Test("goes on in its term when the publisher is back within the grace")
    func grace() async throws {
        try await TestNode.run { node in
            let first = try await node.publisher()
            try await first.publish(.milliseconds(3500))
            let before = try await node.playlist()
            await first.vanish()
            try await eventually("it is idle") { try await node.ask("/api/v1/streams/demo").text.contains("\"idle\"") }
            let away = try await node.playlist()
            #expect(!away.isOver && away.term == before.term)
            let second = try await node.publisher()
            try await second.publish(.seconds(3))
            try await eventually("it goes on") { try await node.playlist().segments.count >= 6 }
            let after = try await node.playlist()
            #expect(after.term == before.term && !after.lines.contains("#EXT-X-DISCONTINUITY"))
            let dates = after.values(of: "#EXT-X-PROGRAM-DATE-TIME:")
            #expect(dates.count >= after.segments.count && dates == dates.sorted() && Set(dates).count == dates.count)
            #expect(try await node.ask("/api/v1/streams/demo").text.contains("\"live\""))
        }
    }

    @Test("ends with the grace, and a later publisher begins a higher term behind it")
    func graceOver() async throws {
        try await TestNode.run {
            $0.publisher.grace = .milliseconds(100)
        } _: { node in
            let first = try await node.publisher()
            try await first.publish(.seconds(5))
            await first.vanish()
            try await eventually("it ends") { try await node.playlist().isOver }
            let ended = try await node.playlist()
            #expect(ended.hint == nil && ended.segments.count == 5)
            #expect(try await node.ask("/api/v1/streams/demo").text.contains("\"stopped\""))
            let second = try await node.publisher()
            try await second.publish(.seconds(3))
            try await eventually("it begins anew") { try await node.playlist().term != ended.term }
            let anew = try await node.playlist()
            #expect(!anew.isOver && anew.firstMSN > ended.lastMSN)
            let (old, new) = (try #require(ended.term), try #require(anew.term))
            #expect(old < new, "\(old) \(new)")
        }
    }

    @Test("is stopped over the API, which cuts its publisher")
    func stopped() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            let answer = try await node.ask("/api/v1/streams/demo/stop", method: "POST")
            #expect(answer.status == 200 && answer.text.contains("stream stopped"))
            try await eventually("the publisher is cut") { publisher.story.isClosed }
            #expect(try await node.playlist().isOver)
            #expect(try await node.ask("/api/v1/streams/demo/stop", method: "POST").status == 404)
        }
    }

    @Test("of a node that stops tells its publisher, and leaves those who wait a playlist that ends")
    func shutdown() async throws {
        let node = try await TestNode.start()
        let publisher = try await node.publisher()
        try await publisher.publish(.seconds(3))
        let now = try await node.playlist()
        let waits = node.waits
        async let waiting = node.playlist(query: "?_HLS_msn=\(now.lastMSN + 2)")
        try await eventually("it waits") { node.waits > waits }
        await node.stop()
        #expect(try await waiting.isOver)
        try await eventually("the publisher is told") { publisher.story.isClosed }
        #expect(publisher.story.reconnects == 1)
        #expect(node.metric("millrace_rtmp_reconnect_requests_total") == 1)
    }
}
