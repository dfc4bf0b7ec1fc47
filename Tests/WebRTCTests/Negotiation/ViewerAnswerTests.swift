// SPDX-License-Identifier: Apache-2.0

import Bytes
import TestKit
import Testing
import WebRTC

@Suite("The answer to a viewer")
struct ViewerAnswerTests {
    private static let baseline = H264Profile(profile: 0x42, constraints: 0xC0, level: 31)
    private static let high = H264Profile(profile: 0x64, constraints: 0, level: 40)
    private static let video = OutgoingTrack(
        codec: .h264, h264Profile: baseline, ssrc: 1000, retransmissionSSRC: 1001)
    private static let audio = OutgoingTrack(codec: .opus, ssrc: 2000, retransmissionSSRC: 2001)

    @Test("sends each track the viewer asks for", arguments: Offers.viewers)
    func rules(name: String) throws {
        let (offer, local) = (try Offers.read(name), localTransport())
        let session = try answer(to: offer)
        #expect(session.tracks.count == 2)
        for (medium, offered) in zip(session.answer.media, offer.media) {
            #expect(medium.direction == .sendOnly && medium.mid == offered.mid && medium.setup == .passive)
            #expect(medium.credentials == local.credentials.credentials)
            #expect(medium.streams.map(\.stream) == ["millrace"])
            let ssrcs: [UInt32] = medium.kind == .video ? [1000, 1001] : [2000]
            #expect(medium.sources.map(\.ssrc) == ssrcs)
            #expect(medium.sourceGroups.map(\.sources) == (ssrcs.count > 1 ? [ssrcs] : []))
            #expect(medium.formats.allSatisfy { offered.format($0.payloadType)?.encoding == $0.encoding })
        }
        #expect(session.answer.bundle == offer.bundle)
        #expect(try SessionDescription(parsing: Array(session.answer.text.utf8)[...]) == session.answer)
        #expect(Set(session.answer.media.flatMap(\.streams).map(\.stream)).count == 1)
    }

    @Test("takes the format nearest to the stream's profile, in packetization mode 1")
    func profiles() throws {
        let offer = try Offers.read("pion-view")
        #expect(try videoType(Self.baseline, offer) == 125)
        #expect(try videoType(Self.high, offer) == 123)
        #expect(try videoType(H264Profile(profile: 0x42, constraints: 0, level: 31), offer) == 102)
        // Main is not offered: High decodes it.
        #expect(try videoType(H264Profile(profile: 0x4D, constraints: 0, level: 31), offer) == 123)
        // Not known yet: the viewer's first.
        #expect(try videoType(nil, offer) == 102)
    }

    @Test("is silent where the stream has no such track")
    func silent() throws {
        let session = try NegotiatedSession(
            viewing: Offers.read("chromium-view"), tracks: [Self.video], local: localTransport(), sessionID: 1)
        let audio = try #require(session.answer.media.first { $0.kind == .audio })
        #expect(audio.direction == .inactive && audio.port == 9 && audio.formats.count == 1)
        #expect(session.answer.bundle.contains(try #require(audio.mid)))
        #expect(session.tracks.map(\.codec) == [.h264])
        #expect(try SessionDescription(parsing: Array(session.answer.text.utf8)[...]) == session.answer)
    }

    @Test("is a refusal where the viewer can not play a track, or would get none")
    func refusals() throws {
        let offer = try Offers.read("pion-view")
        let hevc = OutgoingTrack(codec: .hevc, ssrc: 1, retransmissionSSRC: 2)
        #expect(throws: OfferRefusal.self) { try answer(to: offer, tracks: [hevc]) }
        do {
            _ = try answer(to: offer, tracks: [hevc])
        } catch let refusal as OfferRefusal {
            #expect(refusal.status == 422)
            #expect(refusal.description.hasSuffix("wanted is H265"))
        }
        #expect(throws: OfferRefusal.nothingToSend) { try answer(to: offer, tracks: []) }
        let sending = try Offers.read("pion-view", replacing: "a=recvonly", by: "a=sendonly")
        #expect(throws: OfferRefusal.direction(.video, .sendOnly)) { try answer(to: sending) }
        let single = try Offers.read("pion-view", replacing: "packetization-mode=1", by: "packetization-mode=0")
        #expect(throws: OfferRefusal.self) { try answer(to: single) }
    }

    @Test("has arrival times reported, or the bandwidth where a viewer can not, as a stream may have layers later")
    func arrival() throws {
        let session = try answer(to: Offers.read("chromium-view"), tracks: [Self.video])
        let video = try #require(session.tracks.first)
        #expect(video.extensionID(.transportSequenceNumber) != nil)
        #expect(video.format.feedback.isSuperset(of: .transportCC))
        #expect(video.format.feedback.isDisjoint(with: .maximumBitrate))
        let uri = HeaderExtensionKind.transportSequenceNumber.rawValue
        let older = try answer(to: Offers.read("chromium-view", replacing: uri, by: "urn:other"), tracks: [Self.video])
        let feedback = try #require(older.tracks.first).format.feedback
        #expect(feedback.contains(.maximumBitrate) && feedback.isDisjoint(with: .transportCC))
    }

    @Test("matches the profile of VP9 and AV1", arguments: [(UInt8(0), UInt8(98)), (1, 100)])
    func vp9(profile: UInt8, type: UInt8) throws {
        let track = OutgoingTrack(codec: .vp9, profile: profile, ssrc: 1, retransmissionSSRC: 2)
        let session = try answer(to: Offers.read("pion-view"), tracks: [track])
        #expect(session.tracks.first?.format.payloadType == type)
    }

    private func answer(
        to offer: SessionDescription, tracks: [OutgoingTrack] = [video, audio]
    ) throws -> NegotiatedSession {
        try NegotiatedSession(viewing: offer, tracks: tracks, local: localTransport(), sessionID: 1)
    }

    private func videoType(_ profile: H264Profile?, _ offer: SessionDescription) throws -> UInt8? {
        var track = Self.video
        track.h264Profile = profile
        return try answer(to: offer, tracks: [track]).tracks.first?.format.payloadType
    }
}

@Suite("A profile of H.264")
struct H264ProfileTests {
    @Test(
        "belongs to the family that RFC 6184, table 5, says",
        arguments: [
            ("42e01f", H264Profile.Family.constrainedBaseline), ("42c01f", .constrainedBaseline),
            ("42401f", .constrainedBaseline), ("4d801f", .constrainedBaseline), ("58f01f", .constrainedBaseline),
            ("42001f", .baseline), ("42a01f", .baseline), ("58a01f", .baseline), ("4d001f", .main), ("4d401f", .main),
            ("64001f", .high), ("640c1f", .constrainedHigh), ("f4001f", .other), ("580000", .other),
        ])
    func family(text: String, family: H264Profile.Family) {
        #expect(H264Profile(parsing: text)?.family == family)
    }

    @Test("is six hexadecimal digits", arguments: ["", "42e0", "42e01g", "42e01f0"])
    func others(text: String) { #expect(H264Profile(parsing: text) == nil) }
}
