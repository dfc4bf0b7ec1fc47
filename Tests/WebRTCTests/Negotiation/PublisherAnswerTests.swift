// SPDX-License-Identifier: Apache-2.0

import Bytes
import TestKit
import Testing
import WebRTC

@Suite("The answer to a publisher")
struct PublisherAnswerTests {
    /// What is agreed on with each client: codec, payload type, retransmissions and streams of simulcast.
    static let agreements: [(String, [String])] = [
        ("aiortc-publish", ["0 H264 99/100", "1 opus 96"]),
        ("chromium-publish", ["0 opus 111", "1 H264 102/103"]),
        ("chromium-simulcast", ["0 opus 111", "1 H264 102/103 h,m,l"]),
        ("ffmpeg-publish", ["0 opus 111", "1 H264 106/105"]),
        ("ffmpeg-publish-active", ["0 opus 111", "1 H264 106/105"]),
        ("firefox-publish", ["0 opus 109", "1 H264 126/127 h,m,l"]),
        ("gstreamer-publish", ["video0 H264 96/97", "audio1 opus 98"]),
        ("obs-publish", ["0 opus 111", "1 H264 96/97"]),
    ]

    @Test("takes each medium in one format", arguments: agreements)
    func agreement(name: String, tracks: [String]) throws {
        let session = try answer(to: Offers.read(name))
        let summary = session.tracks.map { track in
            let retransmission = track.retransmissionType.map { "/\($0)" } ?? ""
            let rids = track.rids.isEmpty ? "" : " " + track.rids.joined(separator: ",")
            return "\(track.mid ?? "-") \(track.codec.rawValue) \(track.format.payloadType)\(retransmission)\(rids)"
        }
        #expect(summary == tracks)
    }

    @Test("keeps the rules of RFC 9725 §4.4 and RFC 8829 §5.3", arguments: Offers.publishers)
    func rules(name: String) throws {
        let (offer, local) = (try Offers.read(name), localTransport())
        let answer = try answer(to: offer).answer
        #expect(answer.isICELite && answer.bundle == offer.bundle)
        #expect(answer.media.map(\.mid) == offer.media.map(\.mid))
        #expect(answer.media.map(\.kind) == offer.media.map(\.kind))
        for (medium, offered) in zip(answer.media, offer.media) {
            #expect(medium.direction == .receiveOnly && medium.multiplexesRTCP && medium.port == 9)
            #expect(medium.credentials == local.credentials.credentials)
            #expect(medium.fingerprints == [local.fingerprint])
            #expect(medium.formats.allSatisfy { offered.format($0.payloadType)?.encoding == $0.encoding })
            #expect(medium.extensions.allSatisfy(offered.extensions.contains))
            #expect(medium.onlyMultiplexesRTCP == offered.onlyMultiplexesRTCP)
            let feedback = medium.formats.allSatisfy { format in
                offered.format(format.payloadType)?.feedback.isSuperset(of: format.feedback) ?? false
            }
            #expect(feedback)
        }
        let tagged = answer.media.filter { !$0.candidates.isEmpty }
        #expect(tagged.count == 1 && tagged.first?.mid == offer.bundle.first)
        #expect(tagged.first?.hasEndOfCandidates == true)
        #expect(try SessionDescription(parsing: Array(answer.text.utf8)[...]) == answer)
    }

    @Test(
        "takes the other role of DTLS",
        arguments: [("actpass", "passive"), ("active", "passive"), ("passive", "active")])
    func setup(offered: String, answered: String) throws {
        let session = try answer(to: Offers.read("obs-publish", replacing: "setup:actpass", by: "setup:\(offered)"))
        #expect(session.transport.setup.rawValue == answered)
        #expect(session.answer.media.allSatisfy { $0.setup?.rawValue == answered })
    }

    @Test("knows both roles of ffmpeg")
    func ffmpegRoles() throws {
        #expect(try answer(to: Offers.read("ffmpeg-publish")).transport.setup == .active)
        #expect(try answer(to: Offers.read("ffmpeg-publish-active")).transport.setup == .passive)
    }

    @Test("compares certificates by SHA-256 where several hashes are offered")
    func fingerprint() throws {
        #expect(try Offers.read("aiortc-publish").media.first?.fingerprints.count == 3)
        #expect(try answer(to: Offers.read("aiortc-publish")).transport.fingerprint.algorithm == .sha256)
    }

    @Test("asks Opus for stereo, once")
    func stereo() throws {
        let chromium = try answer(to: Offers.read("chromium-publish")).tracks.first { $0.codec == .opus }
        #expect(chromium?.format.parameters == "minptime=10;useinbandfec=1;stereo=1")
        let obs = try answer(to: Offers.read("obs-publish")).tracks.first { $0.codec == .opus }
        #expect(obs?.format.parameters == (try Offers.read("obs-publish")).media[0].formats[0].parameters)
    }

    @Test("reports arrival times where it can, else an estimate")
    func feedback() throws {
        let offer = try Offers.read("chromium-publish")
        let video = try #require(try answer(to: offer).tracks.first { $0.codec == .h264 })
        #expect(video.format.feedback == [.nack, .pictureLoss, .fullIntraRequest, .transportCC])
        #expect(video.extensionID(.transportSequenceNumber) != nil && video.extensionID(.absoluteSendTime) == nil)
        #expect(video.extensionID(.videoOrientation) == nil)
        let uri = HeaderExtensionKind.transportSequenceNumber.rawValue
        let without = try Offers.read("chromium-publish", replacing: uri, by: "urn:none")
        let estimated = try #require(try answer(to: without).tracks.first { $0.codec == .h264 })
        #expect(estimated.format.feedback == [.nack, .pictureLoss, .fullIntraRequest, .maximumBitrate])
        #expect(estimated.extensionID(.absoluteSendTime) != nil)
    }

    @Test("takes the codec that is wanted most, in the publisher's first format of it")
    func preference() throws {
        let offer = try Offers.read("chromium-publish")
        for codec in [PayloadCodec.vp8, .vp9, .av1, .h264] {
            var settings = NegotiationSettings()
            settings.publisherCodecs = [codec, .opus]
            let track = try answer(to: offer, settings: settings).tracks.first { $0.codec.kind == .video }
            #expect(track?.codec == codec)
            let first = offer.media.flatMap(\.formats).first { PayloadCodec($0) == codec }
            if codec != .h264 { #expect(track?.format.payloadType == first?.payloadType) }
            if codec == .h264 { #expect(track?.format.parameter("packetization-mode") == "1") }
        }
    }

    @Test("takes as many streams of simulcast as settings say")
    func simulcast() throws {
        var settings = NegotiationSettings()
        settings.maximumSimulcastStreams = 2
        let session = try answer(to: Offers.read("firefox-publish"), settings: settings)
        let video = try #require(session.answer.media.last)
        #expect(video.simulcast.receive.map { $0.map(\.id) } == [["h"], ["m"]])
        #expect(video.rids.map(\.id) == ["h", "m"] && video.rids.allSatisfy(\.isReceived))
        #expect(session.answer.text.contains("a=simulcast:recv h;m\r\n"))
    }

    @Test("is a refusal where media can not be taken whole", arguments: refusals)
    func refusal(old: String, new: String, expected: OfferRefusal) throws {
        let offer = try Offers.read("obs-publish", replacing: old, by: new)
        #expect(throws: expected) { try answer(to: offer) }
        #expect([400, 422].contains(expected.status) && !expected.description.isEmpty)
    }

    static let refusals: [(String, String, OfferRefusal)] = [
        ("H264", "H261", .formats(.video, offered: ["H261", "RTX"], wanted: ["H264", "AV1", "H265", "VP9", "VP8"])),
        ("opus/48000/2", "opus/48000", .formats(.audio, offered: ["opus"], wanted: ["opus"])),
        ("m=audio", "m=video", .tooMany(.video)),
        ("m=audio", "m=text", .unsupported),
        ("a=sendonly", "a=recvonly", .direction(.audio, .receiveOnly)),
        ("a=rtcp-mux", "a=x", .separateRTCP),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 0", .notBundled),
        ("a=ice-pwd", "a=x", .noCredentials),
        ("sha-256", "sha-1", .noFingerprint),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", .profile("RTP/AVP")),
        ("SAVPF 111", "SAVPF 96", .formats(.audio, offered: [], wanted: ["opus"])),
        (" 50412 ", " 0 ", .noMedia),
    ]

    @Test("is a refusal for two media of one payload type")
    func sharedType() throws {
        let text = String(decoding: try Offers.bytes("obs-publish"), as: UTF8.self)
            .replacing("SAVPF 111", with: "SAVPF 96").replacing(":111 ", with: ":96 ")
        let offer = try SessionDescription(parsing: Array(text.utf8)[...])
        #expect(throws: OfferRefusal.sharedPayloadType(96)) { try answer(to: offer) }
    }

    @Test("leaves refused what the offer refuses")
    func refusedMedium() throws {
        let session = try answer(to: Offers.read("obs-publish", replacing: "m=audio 50412", by: "m=audio 0"))
        #expect(session.answer.media.map(\.port) == [0, 9])
        #expect(session.answer.bundle == ["1"] && session.tracks.count == 1)
        #expect(session.answer.media[1].candidates.count == 2)
    }

    private func answer(
        to offer: SessionDescription, settings: NegotiationSettings = NegotiationSettings()
    ) throws -> NegotiatedSession {
        try NegotiatedSession(publishing: offer, local: localTransport(), sessionID: 7, settings: settings)
    }
}
