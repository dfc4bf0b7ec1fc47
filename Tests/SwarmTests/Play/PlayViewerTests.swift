// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTMP
import Swarm
import Testing

@Suite("A viewer of RTMP or FLV") struct PlayViewerSessionTests {
    @Test("begins with a keyframe, and is as far behind as the stamps say from two seconds on")
    func watching() {
        var tally = PlayTally()
        var viewer = PlayViewerSession(now: .seconds(1), due: .milliseconds(900), tally: &tally)
        viewer.accept(now: .milliseconds(1100), tally: &tally)
        viewer.receive(.video(key: true, packet: 0), now: .milliseconds(1100), tally: &tally)
        viewer.receive(.video(key: false), now: .milliseconds(1200), tally: &tally)
        #expect(tally.started == 0)
        viewer.receive(.video(key: true), now: .milliseconds(1400), tally: &tally)
        #expect(tally.started == 1)
        #expect(tally.connectTimes.maximum == .milliseconds(200))
        #expect(tally.startTimes.maximum == .milliseconds(500))
        for step in 1...60 {
            let now = Duration.milliseconds(1400 + step * 40)
            viewer.receive(.video(key: false, stamp: now - .milliseconds(7)), now: now, tally: &tally)
        }
        #expect(tally.delays.count == 11)
        #expect(tally.delays.maximum == .milliseconds(7))
        #expect(tally.intervals.maximum == .milliseconds(40))
        #expect(tally.freezes == 0)
        viewer.leave(now: .milliseconds(3840), tally: &tally)
        #expect(tally.left == 1)
        #expect(tally.freezes == 0)
    }

    @Test("that stands still until it leaves has seen a freeze")
    func freezing() {
        var tally = PlayTally()
        var viewer = PlayViewerSession(now: .zero, tally: &tally)
        for step in 0...75 { viewer.receive(.video(key: step == 0), now: .milliseconds(step * 40), tally: &tally) }
        viewer.leave(now: .seconds(8), tally: &tally)
        #expect(tally.freezes == 1)
        #expect(tally.frozen == .seconds(5))
    }

    @Test("without video begins with sound, and with video does not")
    func sound() {
        var tally = PlayTally()
        var viewer = PlayViewerSession(now: .zero, tally: &tally)
        viewer.receive(.audio, now: .zero, tally: &tally)
        #expect(tally.started == 1)
        var other = PlayViewerSession(now: .zero, tally: &tally)
        other.receive(.video(key: true, packet: 0), now: .zero, tally: &tally)
        other.receive(.audio, now: .zero, tally: &tally)
        #expect(tally.started == 1)
    }

    @Test("that sees nothing for ten seconds has failed, and one that goes before has waited in vain")
    func nothing() {
        var tally = PlayTally()
        var viewer = PlayViewerSession(now: .zero, tally: &tally)
        viewer.tick(now: .milliseconds(9999), tally: &tally)
        #expect(!viewer.isOver)
        viewer.tick(now: .seconds(10), tally: &tally)
        #expect(viewer.isOver)
        #expect(tally.faults == [.timeout: 1])
        var silent = PlayViewerSession(now: .zero, tally: &tally)
        silent.accept(now: .seconds(1), tally: &tally)
        silent.tick(now: .seconds(10), tally: &tally)
        #expect(tally.faults == [.timeout: 1, .silence: 1])
        #expect(tally.present == .seconds(9))
        for seconds in [1, 2] {
            var other = PlayViewerSession(now: .zero, tally: &tally)
            other.leave(now: .seconds(seconds), tally: &tally)
        }
        #expect(tally.cutShort == 2)
        #expect(tally.unserved == 1)
    }
}

@Suite("A conversation about an FLV file") struct FLVConversationTests {
    @Test("brings its messages as they come, in pieces of any size", arguments: [1, 7, 100, 10_000])
    func streaming(_ size: Int) throws {
        let writer = FLVWriter()
        var bytes = Array("HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
        let messages = [MediaMessage.video(key: true, packet: 0), .video(key: true), .audio, .video(key: false)]
        for piece in [writer.header(hasVideo: true, hasAudio: true)] + messages.map({ writer.write(MediaTag($0)) }) {
            bytes += "\(String(piece.count, radix: 16))\r\n".utf8
            bytes += piece + "\r\n".utf8
        }
        let conversation = try FLVConversation(#require(HTTPAddress("http://a.test/live/x.flv")))
        var events: [PlayEvent] = []
        conversation.begin(into: &events)
        for start in stride(from: 0, to: bytes.count, by: size) {
            Array(bytes[start..<min(start + size, bytes.count)]).withUnsafeBytes {
                conversation.receive($0, into: &events)
            }
        }
        #expect(Array(events.dropFirst()) == [PlayEvent.accepted] + messages.map(PlayEvent.media))
        events = []
        conversation.end(into: &events)
        #expect(events == [.failed(.ended)])
    }

    @Test("follows redirects, and tells refusals apart", arguments: [302, 404, 503])
    func refusals(_ status: Int) throws {
        let conversation = try FLVConversation(#require(HTTPAddress("http://a.test/live/x.flv")))
        var events: [PlayEvent] = []
        let head = "HTTP/1.1 \(status) x\r\nLocation: http://b.test:81/live/x.flv\r\nContent-Length: 0\r\n\r\n"
        Array(head.utf8).withUnsafeBytes { conversation.receive($0, into: &events) }
        let place = try #require(HTTPAddress("http://b.test:81/live/x.flv"))
        #expect(events == [status == 302 ? .redirected(place) : .failed(status == 404 ? .refused : .server)])
    }

    @Test("does not follow a redirect to TLS, which it does not speak")
    func secured() throws {
        let conversation = try FLVConversation(#require(HTTPAddress("http://a.test/live/x.flv")))
        var events: [PlayEvent] = []
        let head = "HTTP/1.1 302 x\r\nLocation: https://b.test/live/x.flv\r\nContent-Length: 0\r\n\r\n"
        Array(head.utf8).withUnsafeBytes { conversation.receive($0, into: &events) }
        #expect(events == [.failed(.malformed)])
    }

    @Test(
        "that is no HTTP, or no FLV, is malformed",
        arguments: ["SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\n\r\nno FLV at all"])
    func malformed(_ text: String) throws {
        let conversation = try FLVConversation(#require(HTTPAddress("http://a.test/live/x.flv")))
        var events: [PlayEvent] = []
        Array(text.utf8).withUnsafeBytes { conversation.receive($0, into: &events) }
        #expect(events.last == .failed(.malformed))
    }
}

extension MediaMessage {
    fileprivate static var audio: MediaMessage {
        MediaMessage(kind: .audio, timestamp: 0, body: ([0xAF, 1] + [UInt8](repeating: 3, count: 20))[...])
    }

    /// H.264 as FLV has it; a packet of type 1 is a picture, one of type 0 a configuration.
    fileprivate static func video(key: Bool, packet: UInt8 = 1, stamp: Duration? = nil) -> MediaMessage {
        let body = ([key ? 0x17 : 0x27, packet, 0, 0, 0] + [UInt8](repeating: 7, count: 200))[...]
        return MediaMessage(
            kind: .video, timestamp: 0, body: stamp.map { FrameStamp.write($0, over: body) } ?? body)
    }
}
