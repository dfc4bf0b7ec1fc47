// SPDX-License-Identifier: Apache-2.0

import PlainRTP
import RTP
import Testing
import WebRTC

@Suite("A description of plain RTP") struct StreamOfferTests {
    /// As ffmpeg prints it.
    static let ffmpeg = """
        v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=No Name\r\nt=0 0\r\na=tool:libavformat LIBAVFORMAT_VERSION\r
        m=video 5004 RTP/AVP 96\r\nc=IN IP4 127.0.0.1\r\na=rtpmap:96 H264/90000\r
        a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAH9oBQBbsBEAAAAMAQAAADwPGDKg=,aM4PyA==; profile-level-id=42C01F\r
        m=audio 5006 RTP/AVP 97\r\nc=IN IP4 127.0.0.1\r\nb=AS:96\r\na=rtpmap:97 opus/48000/2\r\na=fmtp:97 sprop-stereo=1\r

        """

    private func offer(_ text: String, _ sources: [UInt32] = []) throws -> StreamOffer {
        try StreamOffer(try SessionDescription(parsing: Array(text.utf8)[...]), sources: sources)
    }

    @Test("names codecs, and takes sources from the caller or from itself")
    func tracks() throws {
        let named = try offer(Self.ffmpeg, [7, 8])
        #expect(named.lines.map(\.codec) == [.h264, .opus])
        #expect(named.lines.map(\.ssrc) == [7, 8])
        let itself = Self.ffmpeg.replacing("m=audio", with: "a=ssrc:9 cname:x\r\nm=audio") + "a=ssrc:10 cname:x\r\n"
        #expect(try offer(itself).lines.map(\.ssrc) == [9, 10])
    }

    @Test(
        "is refused with what is wrong with it",
        arguments: [
            ("", "m=audio names no source"), ("m=audio 1 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\n", "second m=audio"),
            ("m=video 1 RTP/AVP 98\r\na=rtpmap:98 theora/90000\r\n", "m=video with theora"),
            ("m=audio 1 RTP/AVP 0\r\n", "m=audio with no format"),
        ])
    func refusals(_ more: String, _ reason: String) throws {
        let failure = #expect(throws: StreamOfferFailure.self) {
            try offer(Self.ffmpeg + more, more.isEmpty ? [7] : [7, 8, 9])
        }
        #expect(failure?.description.contains(reason) == true, "\(failure.map(String.init(describing:)) ?? "")")
    }

    @Test("is refused where parameter sets are not base64, a source is named twice, or there is no medium")
    func nonsense() throws {
        #expect(throws: StreamOfferFailure.parameterSets(.video, "sprop-parameter-sets")) {
            try offer(Self.ffmpeg.replacing("=Z0LAH9", with: "=Z*"), [7, 8])
        }
        #expect(throws: StreamOfferFailure.sourceTwice(7)) { try offer(Self.ffmpeg, [7, 7]) }
        #expect(throws: StreamOfferFailure.noMedia) { try offer("v=0\r\n") }
    }

    @Test("is read or refused wherever it is cut")
    func truncated() throws {
        let bytes = Array(Self.ffmpeg.utf8)
        for count in 0..<bytes.count {
            guard let description = try? SessionDescription(parsing: bytes[..<count]) else { continue }
            _ = try? StreamOffer(description, sources: [7, 8])
        }
    }
}
