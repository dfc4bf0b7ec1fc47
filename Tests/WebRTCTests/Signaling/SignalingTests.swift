// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import Media
import TestKit
import Testing
import WebRTC

@Suite("An endpoint of WHIP or WHEP")
struct SignalingEndpointTests {
    /// A row: method, circumstance, status, and a field of the answer with its value.
    struct Row: Sendable {
        let method: SignalingRequest.Method?
        let circumstance: SignalingCircumstance
        let status: Int
        let field: (String, String)
    }

    static let rows = [
        Row(
            method: .options, circumstance: .unauthorized("no"), status: 200, field: ("Accept-Post", "application/sdp")),
        Row(
            method: .options, circumstance: .ready, status: 200,
            field: ("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")),
        Row(method: .get, circumstance: .ready, status: 204, field: ("Access-Control-Allow-Origin", "*")),
        Row(method: .patch, circumstance: .ready, status: 405, field: ("Allow", "OPTIONS, GET, HEAD, POST")),
        Row(method: nil, circumstance: .ready, status: 405, field: ("Allow", "OPTIONS, GET, HEAD, POST")),
        Row(method: .post, circumstance: .unauthorized("no"), status: 401, field: ("WWW-Authenticate", "Bearer")),
        Row(
            method: .post, circumstance: .forbidden("no"), status: 403,
            field: ("Content-Type", "application/problem+json")),
        Row(
            method: .post, circumstance: .elsewhere("https://b/x"), status: 307, field: ("Location", "https://b/x")),
        Row(method: .post, circumstance: .nameTaken, status: 409, field: ("Cache-Control", "no-store")),
        Row(
            method: .post, circumstance: .noSource(retryAfter: .milliseconds(1500)), status: 409,
            field: ("Retry-After", "2")),
        Row(
            method: .post, circumstance: .rateLimited(retryAfter: .zero), status: 429, field: ("Retry-After", "1")),
        Row(
            method: .post, circumstance: .overloaded(retryAfter: .seconds(5)), status: 503, field: ("Retry-After", "5")),
        Row(
            method: .post, circumstance: .unknownStream("no"), status: 404, field: ("Access-Control-Allow-Origin", "*")),
    ]

    @Test("answers as its table says", arguments: rows)
    func table(row: Row) throws {
        for kind in SignalingProtocol.allCases {
            let response = try respond(try request(row.method), by: kind, row.circumstance)
            #expect(response.status == row.status)
            #expect(response.value(of: row.field.0) == row.field.1)
            #expect(response.value(of: "Link") == nil)
        }
    }

    @Test("tells a viewer by HEAD that it takes offers")
    func head() throws {
        let whep = try respond(SignalingRequest(method: .head), by: .whep, .ready)
        #expect(whep.status == 200 && whep.value(of: "content-type") == "application/sdp" && whep.body.isEmpty)
        #expect(try respond(SignalingRequest(method: .head), by: .whip, .ready).status == 204)
    }

    @Test("takes an offer", arguments: ["application/sdp", "Application/SDP; charset=utf-8"])
    func offer(type: String) throws {
        var request = try request(.post)
        request.contentType = type
        let directive = SignalingEndpoint.directive(for: request, by: .whip, circumstance: .ready)
        #expect(directive == .negotiate(try Offers.read("obs-publish")))
    }

    @Test("refuses bodies of other types", arguments: [nil, "", "text/plain", "application/sdpx"])
    func wrongType(type: String?) throws {
        var request = try request(.post)
        request.contentType = type
        let response = try respond(request, by: .whip, .ready)
        #expect(response.status == 415 && response.value(of: "Accept-Post") == "application/sdp")
    }

    @Test(
        "heeds what the client accepts",
        arguments: [
            (nil, 0), ("", 0), ("application/sdp", 0), ("*/*", 0), ("text/html, application/*;q=0.1", 0),
            ("text/html", 406), ("application/sdp;q=0", 406), ("application/sdp;q=0.0, text/plain", 406),
        ] as [(String?, Int)])
    func accept(value: String?, status: Int) throws {
        var request = try request(.post)
        request.accept = value
        let directive = SignalingEndpoint.directive(for: request, by: .whip, circumstance: .ready)
        if status == 0 {
            #expect(directive == .negotiate(try Offers.read("obs-publish")))
        } else {
            #expect(try respond(request, by: .whip, .ready).status == status)
        }
    }

    @Test("says what is wrong with an offer, as RFC 9457 writes it")
    func badOffer() throws {
        var request = try request(.post)
        request.body = Array("v=0\r\nm=\"vid\\eo\"\r\n".utf8)[...]
        let response = try respond(request, by: .whip, .ready)
        #expect(response.status == 400 && response.value(of: "Content-Type") == "application/problem+json")
        let problem = try #require(try JSONSerialization.jsonObject(with: Data(response.body)) as? [String: Any])
        #expect(problem["title"] as? String == "Bad Request")
        #expect(problem["status"] as? Int == 400)
        #expect(problem["detail"] as? String == "line 2: m= is malformed")
        let refused = SignalingResponse.refused(OfferRefusal.profile("a\"b\\c\u{1}"))
        let detail = try #require(try JSONSerialization.jsonObject(with: Data(refused.body)) as? [String: Any])
        #expect((detail["detail"] as? String)?.contains("a\"b\\c\u{1}") == true)
    }

    @Test("refuses what is larger than offers are")
    func tooLarge() throws {
        var request = try request(.post)
        request.body = [UInt8](repeating: 0x61, count: 128 * 1024 + 1)[...]
        #expect(try respond(request, by: .whip, .ready).status == 413)
    }

    @Test("gives with its answer all that the client needs")
    func created() throws {
        let world = try SignalingWorld()
        let turn = TURNCredentials(secret: "north", name: "viewer-7", until: WallTime(milliseconds: 1_700_000_000_500))
        let servers = [
            ICEServer(url: "stun:stun.example.net"),
            ICEServer(url: "turn:turn.example.net:3478?transport=udp", credentials: turn),
        ].compactMap { $0 }
        let response = SignalingEndpoint.created(
            world.session, answer: world.negotiated.answer, location: "https://a/x", iceServers: servers,
            extensions: [(url: "https://a/x/layers", name: "core:layer")])
        #expect(response.status == 201)
        #expect(response.value(of: "Location") == "https://a/x")
        #expect(response.value(of: "ETag") == world.session.entityTag)
        #expect(response.value(of: "Accept-Patch") == "application/trickle-ice-sdpfrag")
        #expect(response.value(of: "Content-Type") == "application/sdp")
        #expect(
            response.fields.filter { $0.name == "Link" }.map(\.value) == [
                "<stun:stun.example.net>; rel=\"ice-server\"",
                "<turn:turn.example.net:3478?transport=udp>; rel=\"ice-server\"; username=\"1700000000:viewer-7\"; "
                    + "credential=\"ACDvHG7t4ksqqVBIJdUQzG4ji2Y=\"; credential-type=\"password\"",
                "<https://a/x/layers>; rel=\"urn:ietf:params:whep:ext:core:layer\"",
            ])
        #expect(try SessionDescription(parsing: response.body[...]) == world.negotiated.answer)
    }

    private func request(_ method: SignalingRequest.Method?) throws -> SignalingRequest {
        SignalingRequest(
            method: method, contentType: "application/sdp", body: try Offers.bytes("obs-publish")[...])
    }

    private func respond(
        _ request: SignalingRequest, by kind: SignalingProtocol, _ circumstance: SignalingCircumstance
    ) throws -> SignalingResponse {
        let directive = SignalingEndpoint.directive(for: request, by: kind, circumstance: circumstance)
        guard case .respond(let response) = directive else { throw Missing() }
        return response
    }
}

/// A session that was negotiated, and its randomness.
struct SignalingWorld {
    var random = SeededRandom(seed: 11)
    let local = localTransport()
    let negotiated: NegotiatedSession
    var session: SignalingSession

    init() throws {
        negotiated = try NegotiatedSession(publishing: Offers.read("obs-publish"), local: local, sessionID: 1)
        session = SignalingSession(
            id: .random(using: &random), negotiated: negotiated, local: local.credentials)
    }

    mutating func patch(
        _ body: [UInt8], ifMatch: String?, type: String = "application/trickle-ice-sdpfrag", now: Duration = .zero
    ) -> [SignalingSession.Directive] {
        let request = SignalingRequest(method: .patch, contentType: type, ifMatch: ifMatch, body: body[...])
        return session.receive(request, now: now, using: &random)
    }

    /// The status of the only response.
    mutating func status(
        _ body: [UInt8], ifMatch: String?, type: String = "application/trickle-ice-sdpfrag", now: Duration = .zero
    ) -> Int? {
        let directives = patch(body, ifMatch: ifMatch, type: type, now: now)
        guard directives.count == 1, case .respond(let response) = directives[0] else { return nil }
        return response.status
    }
}

@Suite("The resource of a session")
struct SignalingSessionTests {
    private static let trickle = Array(
        """
        a=ice-ufrag:kX3p
        a=ice-pwd:7vRk2nQ0aJcVtYp4sWm8zd
        m=audio 9 UDP/TLS/RTP/SAVPF 0
        a=mid:0
        a=candidate:1 1 udp 5 192.0.2.9 5000 typ host
        a=candidate:2 1 quantum 5 192.0.2.9 5000 typ host
        """.utf8)

    @Test("takes candidates under the tag in force")
    func trickle() throws {
        var world = try SignalingWorld()
        let tag = world.session.entityTag
        #expect(tag == "\"\(world.local.credentials.fragment)\"")
        #expect(world.status(Self.trickle, ifMatch: tag) == 204)
        #expect(world.status(Self.trickle, ifMatch: "\"other\", \(tag)") == 204)
        #expect(world.status(Self.trickle, ifMatch: "*") == 204)
        #expect(world.status([], ifMatch: tag) == 204)
        #expect(world.session.entityTag == tag)
    }

    @Test("refuses changes without a tag, with a stale one, of other types, or malformed")
    func refusals() throws {
        var world = try SignalingWorld()
        let tag = world.session.entityTag
        #expect(world.status(Self.trickle, ifMatch: nil) == 428)
        #expect(world.status(Self.trickle, ifMatch: "\"stale\"") == 412)
        #expect(world.status(Self.trickle, ifMatch: tag, type: "application/sdp") == 415)
        #expect(world.status(Array("m=".utf8), ifMatch: tag) == 400)
        #expect(world.status([UInt8](repeating: 0x61, count: 16_385), ifMatch: tag) == 413)
    }

    @Test("restarts ICE under a star", arguments: ["*", "\"*\""])
    func restart(star: String) throws {
        var world = try SignalingWorld()
        let old = world.session.entityTag
        let directives = world.patch(try Offers.bytes("trickle", extension: "sdpfrag"), ifMatch: star)
        guard case .restart(let local) = directives.first, case .respond(let response) = directives.last else {
            throw Missing()
        }
        #expect(directives.count == 2 && response.status == 200)
        #expect(response.value(of: "ETag") == "\"\(local.fragment)\"" && world.session.entityTag != old)
        #expect(response.value(of: "Content-Type") == "application/trickle-ice-sdpfrag")
        let fragment = try TrickleFragment(parsing: response.body[...])
        #expect(fragment.credentials == local.credentials && fragment.isICELite)
        #expect(fragment.candidates == world.local.candidates && fragment.hasEndOfCandidates)
        #expect(fragment.iceOptions == world.negotiated.answer.media[0].iceOptions)
        // What was sent before the restart comes late; what comes again is a candidate, not a restart.
        #expect(world.status(Self.trickle, ifMatch: old) == 412)
        let again = world.status(try Offers.bytes("trickle", extension: "sdpfrag"), ifMatch: world.session.entityTag)
        #expect(again == 204)
    }

    @Test("takes so many changes in a second")
    func rate() throws {
        var world = try SignalingWorld()
        let tag = world.session.entityTag
        for _ in 0..<10 { #expect(world.status(Self.trickle, ifMatch: tag, now: .milliseconds(500)) == 204) }
        #expect(world.status(Self.trickle, ifMatch: tag, now: .milliseconds(999)) == 429)
        #expect(world.status(Self.trickle, ifMatch: tag, now: .seconds(1)) == 204)
    }

    @Test("ends with DELETE, whatever If-Match says")
    func delete() throws {
        var world = try SignalingWorld()
        let request = SignalingRequest(method: .delete, ifMatch: "\"stale\"")
        let directives = world.session.receive(request, now: .zero, using: &world.random)
        guard case .respond(let response) = directives.last else { throw Missing() }
        #expect(directives.first == .close && directives.count == 2 && response.status == 200)
    }

    @Test(
        "answers other methods",
        arguments: [
            (SignalingRequest.Method?.some(.get), 204), (.head, 204), (.options, 200), (.post, 405), (nil, 405),
        ])
    func methods(method: SignalingRequest.Method?, status: Int) throws {
        var world = try SignalingWorld()
        let directives = world.session.receive(SignalingRequest(method: method), now: .zero, using: &world.random)
        guard case .respond(let response) = directives.first else { throw Missing() }
        #expect(response.status == status && directives.count == 1)
        #expect(response.value(of: "Access-Control-Allow-Origin") == "*")
    }
}

@Suite("The name of a session")
struct SignalingSessionIDTests {
    @Test("has 32 digits and reads back", arguments: 1...20 as ClosedRange<UInt64>)
    func text(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let id = SignalingSessionID.random(using: &random)
        #expect(id.description.utf8.count == 32 && SignalingSessionID(parsing: id.description) == id, "seed \(seed)")
    }

    @Test(
        "is nothing else",
        arguments: ["", "0", String(repeating: "A", count: 32), "+" + String(repeating: "0", count: 31)])
    func others(text: String) { #expect(SignalingSessionID(parsing: text) == nil) }
}

@Suite("A server of ICE")
struct ICEServerTests {
    @Test("has a URL of STUN or TURN, and TURN has credentials")
    func urls() {
        let turn = TURNCredentials(secret: "s", name: "n", until: WallTime(milliseconds: 0))
        for url in ["stun:a", "stuns:a:5349", "turn:a", "turns:a?transport=tcp"] {
            #expect(ICEServer(url: url, credentials: turn) != nil)
        }
        for url in ["", "stun:", "http://a", "turn:a> ; x=\"", "stun:a b"] {
            #expect(ICEServer(url: url, credentials: turn) == nil)
        }
        #expect(ICEServer(url: "turn:a") == nil)
    }
}
