// SPDX-License-Identifier: Apache-2.0

import Bytes
import TestKit
import Testing
import WebRTC

@Suite("A session description")
struct SessionDescriptionTests {
    @Test("of a client comes back from its own text", arguments: Offers.all)
    func identity(name: String) throws {
        let offer = try Offers.read(name)
        #expect(try SessionDescription(parsing: Array(offer.text.utf8)[...]) == offer)
        #expect(offer.media.count == 2)
        for medium in offer.media {
            #expect(medium.credentials != nil && !medium.fingerprints.isEmpty && medium.multiplexesRTCP)
            #expect(medium.formats.contains { PayloadCodec($0) != nil })
        }
    }

    @Test("of any kind comes back from its text", arguments: 1...300 as ClosedRange<UInt64>)
    func property(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let description = SessionDescription.random(using: &random)
        #expect(try SessionDescription(parsing: Array(description.text.utf8)[...]) == description, "seed \(seed)")
    }

    @Test("is the same with LF and with CRLF between its lines", arguments: Offers.all)
    func lineEnds(name: String) throws {
        let bytes = try Offers.bytes(name)
        let bare = bytes.filter { $0 != 0x0D }
        let full = bare.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
        #expect(try SessionDescription(parsing: bare[...]) == SessionDescription(parsing: full[...]))
    }

    @Test(
        "that is cut is read as far as it goes, or refused",
        arguments: ["ffmpeg-publish", "firefox-publish", "obs-publish"])
    func truncation(name: String) throws {
        let bytes = try Offers.bytes(name)
        for count in 0..<bytes.count {
            guard let read = try? SessionDescription(parsing: bytes.prefix(count)) else { continue }
            #expect(try SessionDescription(parsing: Array(read.text.utf8)[...]) == read, "\(count) bytes")
        }
    }

    @Test("with wrong bits comes back from its text, or is refused", arguments: Offers.all)
    func bitFlips(name: String) throws {
        let bytes = try Offers.bytes(name)
        var random = SeededRandom(seed: 5)
        for turn in 0..<100 {
            var wrong = bytes
            for _ in 0...Int.random(in: 0...3, using: &random) {
                wrong[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            guard let read = try? SessionDescription(parsing: wrong[...]) else { continue }
            #expect(try SessionDescription(parsing: Array(read.text.utf8)[...]) == read, "seed 5, turn \(turn)")
        }
    }

    @Test("is refused with the line and the reason", arguments: refusals)
    func refusal(lines: [String], sentence: String) {
        let text = (["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"] + lines).joined(separator: "\r\n")
        do {
            _ = try SessionDescription(parsing: Array(text.utf8)[...])
            Issue.record("read: \(lines)")
        } catch {
            #expect(error.description == sentence)
        }
    }

    static let refusals: [([String], String)] = [
        (["m=video"], "line 5: m= is malformed"),
        (["m=video x UDP/TLS/RTP/SAVPF 96"], "line 5: m= is malformed"),
        (["m=video 70000 UDP/TLS/RTP/SAVPF 96"], "line 5: m= is malformed"),
        ([video, "a=rtpmap:96 H264"], "line 6: a=rtpmap is malformed"),
        ([video, "a=rtpmap:300 H264/90000"], "line 6: a=rtpmap is malformed"),
        ([video, "a=rtpmap:96 H264/0"], "line 6: a=rtpmap is malformed"),
        ([video, "a=rtpmap:96 H264/99999999999"], "line 6: a=rtpmap is malformed"),
        ([video, "a=setup:maybe"], "line 6: a=setup is malformed"),
        ([video, "a=fingerprint:sha-256 00:11"], "line 6: a=fingerprint is malformed"),
        ([video, "a=fingerprint:sha-256"], "line 6: a=fingerprint is malformed"),
        ([video, "a=extmap:x urn:foo"], "line 6: a=extmap is malformed"),
        ([video, "a=rid:h"], "line 6: a=rid is malformed"),
        ([video, "a=rid:h! send"], "line 6: a=rid is malformed"),
        ([video, "a=simulcast:send"], "line 6: a=simulcast is malformed"),
        ([video, "a=simulcast:send h;;l"], "line 6: a=simulcast is malformed"),
        ([video, "a=simulcast:sometimes h"], "line 6: a=simulcast is malformed"),
        ([video, "a=mid:0", video, "a=mid:0"], "line 8: a second medium has the mid 0"),
        ([video, "a=mid:"], "line 6: a=mid is malformed"),
        ([video, "a=ice-pwd:"], "line 6: a=ice-pwd is malformed"),
        (["what"], "line 5 is not a letter, = and printable text"),
        (["a=\u{1}"], "line 5 is not a letter, = and printable text"),
        (["a=" + String(repeating: "x", count: 5000)], "line 5 is too long"),
        (Array(repeating: video, count: 9), "there are more than 8 of m="),
        ([video] + (0..<33).map { "a=rid:r\($0) send" }, "there are more than 32 of a=rid"),
        ([video] + (0..<33).map { "a=ssrc:\($0) cname:x" }, "there are more than 32 of sources in a=ssrc"),
        (
            [video, "a=simulcast:send " + (0..<33).map { "r\($0)" }.joined(separator: ";")],
            "there are more than 32 of streams in a=simulcast"
        ),
    ]

    static let video = "m=video 9 UDP/TLS/RTP/SAVPF 96"

    @Test("is refused when it does not begin as one, or is longer than it may be")
    func notAtAll() {
        for text in ["", "\r\n", "v=1\r\n", "o=- 1 1 IN IP4 127.0.0.1\r\nv=0\r\n"] {
            #expect(throws: SDPFailure.noVersion) { try SessionDescription(parsing: Array(text.utf8)[...]) }
        }
        let long = Array(String(repeating: "v=0\r\n", count: 30_000).utf8)
        #expect(throws: SDPFailure.tooLong(150_000)) { try SessionDescription(parsing: long[...]) }
    }

    @Test("leaves out what is not known, not for us, or not of use")
    func leftOut() throws {
        let lines = [
            "v=0", "", "o=weird", "s=Sesión", "z=0 0", "a=foo:bar", "a=group:LS 0 1", "a=ice-lite",
            "a=setup:ACTPASS", "a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901", "a=ice-options:ice2,trickle",
            Self.video + " 97 x 200 96", "a=rtpmap:96 h264/90000", "a=rtpmap:98 VP8/90000", "a=rtcp-fb:* nack pli",
            "a=rtcp-fb:96 nack sli", "a=rtcp-fb:96 transport-cc", "a=extmap:300 urn:ietf:params:rtp-hdrext:sdes:mid",
            "a=extmap:7/sendonly urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:8 urn:other",
            "a=candidate:1 1 UDP 1 host.local 9 typ host", "a=candidate:1 2 UDP 1 192.0.2.1 9 typ host",
            "a=candidate:broken", "a=ssrc:1 label:x", "a=ssrc:x cname:y", "a=ssrc-group:FEC-FR 1 2",
            "a=fingerprint:md5 00:11", "a=msid:- ", "a=emoji:🎥",
        ]
        let description = try SessionDescription(parsing: Array(lines.joined(separator: "\n").utf8)[...])
        var expected = SessionDescription()
        expected.isICELite = true
        var medium = MediaDescription(kind: .video)
        medium.setup = .either
        medium.credentials = ICECredentials(fragment: "abcd", password: "0123456789012345678901")
        medium.formats = [
            PayloadFormat(
                payloadType: 96, encoding: "h264", clockRate: 90_000, feedback: [.pictureLoss, .transportCC])
        ]
        medium.extensions = [HeaderExtension(id: 7, kind: .mid)]
        medium.streams = [MediaStreamID(stream: "-")]
        expected.media = [medium]
        #expect(description == expected)
    }

    @Test("keeps the first 32 candidates of many")
    func manyCandidates() throws {
        let lines =
            ["v=0", Self.video] + (1...100).map { "a=candidate:\($0) 1 udp \($0) 192.0.2.1 \($0) typ host" }
        let description = try SessionDescription(parsing: Array(lines.joined(separator: "\n").utf8)[...])
        #expect(description.media.first?.candidates.map(\.priority) == Array(1...32))
    }

    @Test("lets no text of its own pass for a line")
    func injection() throws {
        let text = "v=0\n\(Self.video)\na=mid:0\ra=ice-lite\n"
        #expect(throws: SDPFailure.unreadable(line: 3)) { try SessionDescription(parsing: Array(text.utf8)[...]) }
    }
}
