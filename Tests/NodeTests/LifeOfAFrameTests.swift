// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import HLS
import Identity
import Media
import NodeKit
import RTMP
import Replica
import Telemetry
import TestKit
import Testing

/// The ten hops of DESIGN §3, with one frame.
@Suite("The life of a frame")
struct LifeOfAFrameTests {
    /// A picture that no other is like.
    private static let payload: ByteSlice = {
        let text = Array("a frame of its own".utf8)
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(text.count + 1))
        return (bytes + [0x41] + text)[...]
    }()
    private static let media = SyntheticMedia.seconds
    /// Its place: the 40th picture, in the second segment.
    private static let frameTime = MediaTime(ticks: 1300, timescale: .milliseconds)

    /// Three seconds of media with the frame in the place of one.
    private static func events(_ duration: Duration = .seconds(3)) -> [SyntheticMedia.Event] {
        media.events(for: duration).map { event in
            guard event.unit.track == .video, event.unit.decodeTime == frameTime else { return event }
            var event = event
            event.unit.payload = payload
            return event
        }
    }

    @Test("goes from bytes to bytes in memory, one noun a hop")
    func inMemory() throws {
        // 2, 3: bytes become an RTMP message.
        let message = try #require(Self.messages().first { $0.body.contains(Self.payload) })
        #expect(message.kind == .video && message.timestamp == 1300)
        // 4: the message becomes an access unit.
        var intake = MediaFromRTMP()
        var found: [MediaFromRTMP.Event] = []
        for message in Self.messages() { try intake.accept(message, into: &found) }
        let units = found.compactMap { if case .accessUnit(let unit) = $0 { unit } else { nil } }
        let unit = try #require(units.first { $0.payload == Self.payload })
        #expect(unit.track == .video && unit.decodeTime == Self.frameTime && !unit.isRandomAccess)
        // 5: access units become feed records, among them the marks.
        let records = Self.records(found)
        #expect(records.contains { if case .accessUnit(let unit) = $0 { unit.payload == Self.payload } else { false } })
        let mark = try #require(Self.markAfterFrame(records))
        // 6, 7: the records are appended to the replica.
        let term = Term(number: 1, salt: 2)
        let metrics = ReplicaMetrics(MetricRegistry(families: ReplicaMetrics.families))
        let replica = StreamReplica(
            id: try StreamID(parsing: "demo"), checkingOneIn: 1, settings: MediaWindowSettings(), metrics: metrics)
        #expect(replica.succeed(in: term, firstSegment: 0) != nil)
        let part = MediaResource.part(.main, term, mark)
        #expect(replica.decide(part, query: [], hasWaited: false, wake: nil) == .refuse(.notFound))
        let end = FeedPosition(term: term, number: UInt64(records.count))
        replica.append(records, committed: CommitTracker.Commit(position: end, part: mark))
        // 8, 10: the window knows the part by the marks, and the request gets a directive.
        let directive = replica.decide(part, query: [], hasWaited: false, wake: nil)
        #expect(directive == .part)
        // 9: the fragment is written, and holds exactly the payload.
        let (chunks, tracks) = try #require(replica.bytes(for: directive, of: part))
        #expect(chunks.joined().count { $0 == 0 } > 0 && tracks.map(\.id) == [.video, .audio])
        #expect(Array(chunks.joined()).ranges(of: Self.payload).count == 1)
    }

    @Test("goes from a publisher's socket to a viewer's, in one part and in its segment")
    func onLoopback() async throws {
        try await TestNode.run { node in
            // 1: a connection is taken.
            let publisher = try await node.publisher()
            #expect(node.metric("millrace_connections_accepted_total", "listener=\"rtmp\"") == 1)
            try await publisher.open(Self.media)
            try await publisher.send(Self.events(), of: Self.media)
            // 10: the answer holds the frame's bytes.
            let playlist = try await node.playlist()
            let parts = try await bodies(of: playlist.parts, node)
            #expect(parts.count { $0.ranges(of: Self.payload).count == 1 } == 1)
            #expect(parts.flatMap { $0.ranges(of: Self.payload) }.count == 1)
            let segments = try await bodies(of: playlist.segments, node)
            #expect(segments.count { $0.ranges(of: Self.payload).count == 1 } == 1)
            #expect(parts.joined().starts(with: segments.joined()))
        }
    }

    @Test("is waited for by who asks for its part before it is born")
    func beforeBirth() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            let late = Self.media.events(for: .seconds(4)).map(\.self)
            try await publisher.open(Self.media)
            try await publisher.send(late.filter { $0.time < .milliseconds(3050) }, of: Self.media)
            try await eventually("the third second is there") { try await node.playlist().lastMSN > 0 }
            let hint = try #require(try await node.playlist().hint)
            let waits = node.waits
            async let answer = node.ask(hint)
            try await eventually("the request waits") { node.waits > waits }
            let tag = Array("born later than asked for".utf8)
            let marked = late.filter { $0.time >= .milliseconds(3050) }.map { event in
                var event = event
                if event.unit.track == .video, event.unit.decodeTime.ticks < 3150 {
                    event.unit.payload = ([0, 0, 0, UInt8(tag.count + 1), 0x41] + tag)[...]
                }
                return event
            }
            try await publisher.send(marked, of: Self.media)
            let part = try await answer
            #expect(part.status == 200 && part.fields["content-type"] == "video/mp4")
            #expect(!part.body.ranges(of: tag).isEmpty)
            #expect(part.fields["cache-control"] == "public, max-age=31536000, immutable")
        }
    }
}

extension LifeOfAFrameTests {
    private func bodies(of paths: [String], _ node: TestNode) async throws -> [[UInt8]] {
        var bodies: [[UInt8]] = []
        for path in paths {
            let answer = try await node.ask(path)
            #expect(answer.status == 200, "\(path)")
            bodies.append(answer.body)
        }
        return bodies
    }

    /// What a server session says of a client's bytes.
    private static func messages() -> [MediaMessage] {
        let random = [UInt8](repeating: 9, count: 1536)
        var client = ClientSession(.publish, app: "live", name: "demo", url: "rtmp://127.0.0.1/live")
        var server = ServerSession(settings: RTMPSettings(), random: random, now: .zero)
        var (words, answers, media) = ([ClientSession.Directive](), [ServerSession.Directive](), [MediaMessage]())
        client.start(random: random, into: &words)
        var hasSent = false
        while !words.isEmpty {
            for case .send(let bytes) in words {
                bytes.withUnsafeBytes { try? server.receive($0, now: .zero, into: &answers) }
            }
            words.removeAll()
            for answer in answers where answer.isPublish { server.acceptPublish(now: .zero, into: &answers) }
            for answer in answers {
                switch answer {
                case .media(let message): media.append(message)
                case .send(let bytes): bytes.withUnsafeBytes { try? client.receive($0, into: &words) }
                default: break
                }
            }
            answers.removeAll()
            if client.isRunning, !hasSent {
                hasSent = true
                let writer = Self.media.writer
                let tags =
                    writer.opening(at: MediaTime(ticks: 0, timescale: .milliseconds))
                    + events().compactMap { writer.tag($0.unit) }
                words += tags.map { .send(client.encode($0)) }
            }
        }
        return media
    }

    private static func records(_ events: [MediaFromRTMP.Event]) -> [FeedRecord] {
        let settings = SequencerSettings(segmentTarget: .seconds(1), partTarget: .milliseconds(200))
        var sequencer = Sequencer(settings: settings, term: Term(number: 1, salt: 2), firstMSN: 100)
        var (records, clock) = ([FeedRecord](), ManualClock())
        for event in events {
            switch event {
            case .accessUnit(let unit):
                clock.advance(to: unit.decodeTime.duration)
                sequencer.append(unit, now: clock.now, wall: clock.wall, into: &records)
            case .metadata: break
            case .parameters(let track, let sets):
                sequencer.parameters(sets, for: track, now: clock.now, wall: clock.wall, into: &records)
            }
        }
        return records
    }

    /// The mark of the part that the frame is in.
    private static func markAfterFrame(_ records: [FeedRecord]) -> PartPosition? {
        let after = records.drop { if case .accessUnit(let unit) = $0 { unit.payload != payload } else { true } }
        for case .partEnd(let mark) in after { return mark.position }
        return nil
    }
}

extension ServerSession.Directive {
    fileprivate var isPublish: Bool { if case .publish = self { true } else { false } }
}
