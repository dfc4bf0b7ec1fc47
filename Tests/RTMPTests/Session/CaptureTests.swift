// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
import Media
import RTMP
import Testing

@Suite("A captured connection")
struct CaptureTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let file: String
        let stream: String
        let codecs: [String]
        let video: Int
        let randomAccess: Int
        let audio: Int
        let lastTime: Int64
        let otherTracks: Int
        var testDescription: String { file }

        init(
            _ file: String, _ stream: String, _ codecs: [String], video: Int, _ randomAccess: Int, audio: Int,
            _ lastTime: Int64, otherTracks: Int = 0
        ) {
            self.file = file
            self.stream = stream
            self.codecs = codecs
            self.video = video
            self.randomAccess = randomAccess
            self.audio = audio
            self.lastTime = lastTime
            self.otherTracks = otherTracks
        }
    }

    private static let rows = [
        Row("ffmpeg-5", "live/key", ["avc1.64000a", "mp4a.40.2"], video: 25, 3, audio: 48, 1061),
        Row("ffmpeg-9", "live/key", ["avc1.64000a", "mp4a.40.2"], video: 25, 3, audio: 48, 1061),
        Row("ffmpeg-9-hevc-opus", "live/hevc", ["hvc1.1.6.L30.90", "opus"], video: 25, 3, audio: 17, 1034),
        Row("ffmpeg-9-av1", "live/av1", ["av01.0.00M.08"], video: 25, 3, audio: 0, 960),
        Row("ffmpeg-9-multitrack", "live/mt", ["avc1.64000a"], video: 25, 3, audio: 0, 960, otherTracks: 26),
        Row("ffmpeg-9-extended", "live/ext", ["avc1.42c01e"], video: 2, 1, audio: 0, 20_000_040),
        Row("gstreamer", "live/gst", ["avc1.64000a", "mp4a.40.2"], video: 25, 3, audio: 48, 981),
    ]

    @Test("publishes every unit it holds, whatever the pieces", arguments: rows)
    func publishers(row: Row) throws {
        let bytes = try capture(row.file)
        var random = SeededRandom(seed: 1)
        var first: [ServerSession.Directive]?
        // Encoders wait for the answer to publish, so no read goes beyond it.
        let (asking, sending) = try splitAtPublish(bytes)
        for cuts in [
            [asking, sending], bytes.map { [$0] }, [asking] + pieces(sending, longest: 1460, using: &random),
        ] {
            var server = Server()
            for piece in cuts { try server.receive(piece) }
            if let first { #expect(server.events == first) }
            first = server.events
            try check(server.events, row)
        }
    }

    private func splitAtPublish(_ bytes: [UInt8]) throws -> ([UInt8], [UInt8]) {
        var server = Server()
        var end = 0
        while server.events.isEmpty {
            try server.receive([bytes[end]])
            end += 1
        }
        return (Array(bytes[..<end]), Array(bytes[end...]))
    }

    private func check(_ directives: [ServerSession.Directive], _ row: Row) throws {
        guard case .publish(let request) = directives.first else { throw Truncated() }
        #expect(try request.streamID().description == row.stream)
        #expect(directives.last == .unpublish)
        var converter = MediaFromRTMP()
        var events: [MediaFromRTMP.Event] = []
        for case .media(let message) in directives { try converter.accept(message, into: &events) }
        var codecs: [String] = []
        for case .parameters(_, let parameters) in events { codecs.append(parameters.codecString) }
        #expect(codecs == row.codecs)
        var units: [AccessUnit] = []
        for case .accessUnit(let unit) in events { units.append(unit) }
        #expect(units.count { $0.track == .video } == row.video)
        #expect(units.count { $0.track == .video && $0.isRandomAccess } == row.randomAccess)
        #expect(units.count { $0.track == .audio } == row.audio)
        #expect(units.map(\.decodeTime.ticks).max() == row.lastTime)
        #expect(converter.ignored.otherTracks == row.otherTracks)
        #expect(converter.ignored.malformed == 0)
        #expect(converter.ignored.beforeParameters == 0)
    }

    @Test("plays")
    func player() throws {
        var server = Server()
        try server.receive(try capture("ffmpeg-9-play"))
        guard case .play(let request) = server.events.first else { throw Truncated() }
        #expect(try request.streamID().description == "live/key")
    }

    @Test("survives a cut at every byte", arguments: ["ffmpeg-9", "gstreamer", "ffmpeg-9-play"])
    func truncation(file: String) throws {
        let bytes = Array(try capture(file).dropFirst(3073))
        for length in stride(from: 0, to: bytes.count, by: 1) where length < 1500 || length % 61 == 0 {
            var server = Server()
            try server.receive(plainHandshake + bytes[..<length])
            #expect(server.nextDeadline != nil)
        }
    }

    @Test("never traps when damaged", arguments: 0..<150 as Range<UInt64>)
    func bitFlips(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let files = [
            "ffmpeg-9", "ffmpeg-9-hevc-opus", "ffmpeg-9-av1", "ffmpeg-9-multitrack", "gstreamer", "ffmpeg-9-play",
        ]
        var bytes = try capture(files[Int(seed) % files.count])
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            bytes[Int.random(in: 1..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        }
        var server = Server()
        for piece in pieces(bytes, longest: 1460, using: &random) { try? server.receive(piece) }
        var converter = MediaFromRTMP()
        var events: [MediaFromRTMP.Event] = []
        for message in server.media { try? converter.accept(message, into: &events) }
    }
}
