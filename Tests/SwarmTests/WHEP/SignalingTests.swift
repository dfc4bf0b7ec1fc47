// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import SecureMedia
import Swarm
import Testing
import WebRTC

@Suite("A viewer's signaling") struct SignalingTests {
    static let party = LocalParty(
        credentials: ICECredentials(fragment: "abcd", password: "0123456789012345678901"),
        fingerprint: DTLSIdentity.generate(now: WallTime(milliseconds: 1_700_000_000_000)).fingerprint)
    static let server = """
        v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r
        a=fingerprint:sha-256 \(party.fingerprint)\r
        m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r
        a=ice-ufrag:serv\r\na=ice-pwd:2123456789012345678901\r\na=setup:SETUP\r
        a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\na=rtcp-fb:96 nack\r
        a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=ssrc-group:FID 11 12\r\na=ssrc:11 cname:m\r\na=ssrc:12 cname:m\r
        a=candidate:1 1 udp 100 192.0.2.1 8000 typ host\r\na=candidate:2 1 udp 200 192.0.2.2 8000 typ host\r
        a=candidate:3 1 tcp 300 192.0.2.2 9 typ host tcptype active\r
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendonly\r\na=rtcp-mux\r
        a=ice-ufrag:serv\r\na=ice-pwd:2123456789012345678901\r\na=setup:SETUP\r\na=rtpmap:111 opus/48000/2\r

        """

    static func description(_ setup: String) throws -> SessionDescription {
        let text = server.split(separator: "SETUP", omittingEmptySubsequences: false).joined(separator: setup)
        return try SessionDescription(parsing: Array(text.utf8)[...])
    }

    static func answer(_ status: Int, _ body: String = "", location: String? = nil) -> HTTPAnswer {
        let bytes = Array(body.utf8)
        return HTTPAnswer(status: status, body: bytes[...], size: .bytes(bytes.count), location: location)
    }

    @Test(
        "by WHEP posts an offer, follows the server elsewhere, and deletes what it was given",
        arguments: ["http", "https"])
    func whep(_ scheme: String) throws {
        let endpoint = try #require(HTTPAddress("http://a.example:80/live/x/whep"))
        var signaling = WHEPSignaling(endpoint, token: "secret")
        let post = signaling.start(Self.party)
        #expect(post.method == "POST")
        #expect(post.fields["Authorization"] == "Bearer secret")
        #expect(try SessionDescription(parsing: Array(post.body.utf8)[...]).media.map(\.kind) == [.video, .audio])
        let step = try signaling.receive(Self.answer(307, location: "\(scheme)://b.example:81/live/x/whep"))
        guard case .ask(let again, nil) = step else { throw Unexpected() }
        #expect(again.address.authority == "b.example:81")
        #expect(again.body == post.body)
        let text = try Self.description("passive").text
        let described = try signaling.receive(Self.answer(201, text, location: "/whep/session/7"))
        #expect(described == .described(try Self.description("passive")))
        let delete = try #require(signaling.leave())
        #expect(delete.method == "DELETE")
        #expect(delete.address.path == "/whep/session/7")
        #expect(delete.address.authority == "b.example:81")
        #expect(delete.address.isSecure == (scheme == "https"))
        #expect(try signaling.receive(Self.answer(200)) == .done)
    }

    @Test(
        "by WHEP fails by the kind of the answer",
        arguments: [(404, PlayFault.refused), (409, .refused), (503, .server), (201, .malformed), (204, .malformed)])
    func refusals(_ status: Int, _ fault: PlayFault) throws {
        var signaling = WHEPSignaling(try #require(HTTPAddress("http://a.example/whep")))
        _ = signaling.start(Self.party)
        #expect(throws: fault) { try signaling.receive(Self.answer(status)) }
    }

    @Test("by WHEP follows five redirects and no more")
    func redirects() throws {
        var signaling = WHEPSignaling(try #require(HTTPAddress("http://a.example/whep")))
        _ = signaling.start(Self.party)
        for _ in 0..<5 { _ = try signaling.receive(Self.answer(307, location: "/elsewhere")) }
        #expect(throws: PlayFault.redirects) { try signaling.receive(Self.answer(307, location: "/elsewhere")) }
    }

    @Test("with Janus goes from a session to a handle, to an offer, to its answer", arguments: ["http", "https"])
    func janus(_ scheme: String) throws {
        let api = try #require(HTTPAddress(web: "\(scheme)://a.example/janus"))
        var signaling = JanusSignaling(api, mountpoint: 3)
        #expect(signaling.start(Self.party).address == api)
        var paths: [String] = []
        let offer = try Self.description("actpass")
        let sdp = offer.text.split(separator: "\r\n").joined(separator: "\\r\\n") + "\\r\\n"
        for reply in [
            #"{"janus": "success", "data": {"id": 5}}"#, #"{"janus": "success", "data": {"id": 6}}"#,
            #"{"janus": "ack"}"#, #"{"janus": "keepalive"}"#,
            #"{"janus": "event", "plugindata": {"data": {}}, "jsep": {"type": "offer", "sdp": ""# + sdp + #""}}"#,
        ] {
            guard case .ask(let request, let described) = try signaling.receive(Self.answer(200, reply)) else {
                throw Unexpected()
            }
            paths.append("\(request.method) \(request.address.path)")
            #expect(request.address.isOfServer(of: api))
            #expect((described == nil) == (paths.count < 5))
            if paths.count == 5 {
                #expect(described == offer)
                #expect(request.body.contains(#""type":"answer""#))
            }
        }
        #expect(
            paths == [
                "POST /janus/5", "POST /janus/5/6", "GET /janus/5?maxev=1", "GET /janus/5?maxev=1", "POST /janus/5/6",
            ])
        #expect(try signaling.receive(Self.answer(200, #"{"janus": "ack"}"#)) == .done)
        #expect(signaling.leave()?.address.path == "/janus/5")
    }

    @Test(
        "takes no answer of Janus that is none", arguments: ["", "{", "[]", #"{"janus": "error"}"#, "{\"janus\": 1}"])
    func nonsense(_ reply: String) throws {
        var signaling = JanusSignaling(try #require(HTTPAddress("http://a.example/janus")), mountpoint: 3)
        _ = signaling.start(Self.party)
        #expect(throws: PlayFault.self) { try signaling.receive(Self.answer(200, reply)) }
    }

    @Test("knows of a description where the server is, who begins, and what will come")
    func remote() throws {
        let remote = try RemoteParty(try Self.description("passive"), setup: .either)
        #expect(remote.endpoints.map(\.description) == ["192.0.2.2:8000", "192.0.2.1:8000"])
        #expect(remote.role == .active)
        #expect(remote.fingerprint == Self.party.fingerprint)
        #expect(remote.tracks.map(\.codec) == [.h264, .opus])
        #expect(remote.media[0].sources == [.init(media: 11, repair: 12)])
        #expect(remote.media[0].formats[97] == .retransmission(of: 96))
        #expect(remote.media[0].feedback == .nack)
        #expect(try RemoteParty(try Self.description("active"), setup: .either).role == .passive)
        #expect(try RemoteParty(try Self.description("actpass"), setup: .passive).role == .passive)
    }

    @Test(
        "takes no description that leaves out what a viewer needs",
        arguments: ["fingerprint", "pwd", "candidate", "rtpmap"])
    func incomplete(_ word: String) throws {
        let lines = try Self.description("passive").text.split(separator: "\r\n").filter { !$0.contains(word) }
        let description = try SessionDescription(parsing: Array(lines.joined(separator: "\r\n").utf8)[...])
        #expect(throws: PlayFault.description) { try RemoteParty(description, setup: .either) }
    }

    @Test("answers an offer with its first readable formats, and refuses media that have none")
    func answers() throws {
        var offer = try Self.description("actpass")
        offer.media[1].formats = [PayloadFormat(payloadType: 0, encoding: "PCMU", clockRate: 8000)]
        let answer = Self.party.answer(to: offer)
        #expect(answer.media[0].formats.map(\.payloadType) == [96, 97])
        #expect(answer.media[0].setup == .active)
        #expect(answer.media[1].isRefused)
    }
}

private struct Unexpected: Error {}
