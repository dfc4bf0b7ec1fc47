// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
import RTMP
import Testing

@Suite("A server session")
struct ServerSessionTests {
    private static let toConnect = plainHandshake + connect("live")
    private static let toPublish =
        toConnect + command("createStream", 2, [.null])
        + command("publish", 3, [.null, .string("key"), .string("live")], stream: 1)

    @Test("answers connect as encoders expect")
    func answersConnect() throws {
        var server = Server()
        try server.receive(Self.toConnect)
        let messages = try decode([Array(server.sent.dropFirst(3073))])
        #expect(messages.map(\.type.rawValue) == [5, 6, 20], "the chunk size between them is the decoder's own")
        let result = try #require(try server.commands().first)
        #expect(result.transaction == 1)
        #expect(result.argument(1)?["code"]?.string == "NetConnection.Connect.Success")
        #expect(result.argument(1)?["objectEncoding"]?.number == 0)
        #expect(result.argument(1)?["fourCcList"] == nil)
    }

    @Test("tells what it carries to a peer that speaks Enhanced RTMP")
    func enhanced() throws {
        var server = Server()
        try server.receive(plainHandshake + connect("live", [AMFProperty("fourCcList", .strictArray([.string("*")]))]))
        let information = try #require(try server.commands().first?.argument(1))
        #expect(information["capsEx"]?.number == 5)
        guard case .strictArray(let codecs) = information["fourCcList"] else { throw Truncated() }
        #expect(codecs.contains(.string("hvc1")))
    }

    @Test(
        "reads app and tcUrl in every spelling",
        arguments: [
            [AMFProperty("app", .string("live"))], [AMFProperty("app", .string("'live'"))],
            [AMFProperty("tcUrl", .string("rtmp://host:1935/live"))],
            [AMFProperty("tcurl", .string("'rtmp://h/live'"))],
        ])
    func connectSpellings(properties: [AMFProperty]) throws {
        for object in [AMFValue.object(properties), .ecmaArray(properties)] {
            var server = Server()
            try server.receive(plainHandshake + command("connect", 1, [object]))
            try server.receive(command("publish", 5, [.null, .string("key")]))
            guard case .publish(let request) = server.events.first else { throw Truncated() }
            #expect(try request.streamID().description == "live/key")
        }
    }

    /// Orders of commands: what comes, and the names and transactions of the answers.
    private static let orders: [(String, [UInt8], [String])] = [
        (
            "OBS",
            command("releaseStream", 2, [.null, .string("key")]) + command("FCPublish", 3, [.null, .string("key")])
                + command("createStream", 4, [.null])
                + command("publish", 5, [.null, .string("key"), .string("live")], stream: 1),
            ["_result 1", "_result 2", "_result 3", "_result 4", "onStatus 0"]
        ),
        (
            "GStreamer",
            command("releaseStream", 0, [.null, .string("key")]) + command("FCPublish", 0, [.null, .string("key")])
                + command("createStream", 2, [.null])
                + command("publish", 0, [.null, .string("key"), .string("live")], stream: 1),
            ["_result 1", "_result 2", "onStatus 0"]
        ),
        (
            "Haivision",
            command("_checkbw", 2, [.null]) + command("createStream", 3, [.null])
                + command("FCPublish", 4, [.null, .string("key")]) + command("publish", 5, [.null, .string("key")]),
            ["_result 1", "_result 2", "_result 3", "_result 4", "onStatus 0"]
        ),
        (
            "Flash", command("createStream", 2, [.null]) + command("publish", 3, [.null, .string("key")], stream: 1),
            ["_result 1", "_result 2", "onStatus 0"]
        ),
        (
            "the impatient", command("publish", 2, [.null, .string("key")], stream: 7), ["_result 1", "onStatus 0"]
        ),
    ]

    @Test("takes the commands of every encoder", arguments: orders.indices)
    func commandOrders(index: Int) throws {
        let (name, bytes, answers) = Self.orders[index]
        for pieces in [[Self.toConnect + bytes], (Self.toConnect + bytes).map { [$0] }] {
            var server = Server()
            for piece in pieces { try server.receive(piece) }
            #expect(server.isPublishing == true, "\(name)")
            #expect(try server.commands().map { "\($0.name) \(Int($0.transaction))" } == answers, "\(name)")
            #expect(try server.commands().last?.argument(1)?["code"]?.string == "NetStream.Publish.Start", "\(name)")
        }
    }

    @Test("hands on media only once publishing was accepted, and not what is empty")
    func mediaAfterAccept() throws {
        var server = Server()
        try server.receive(Self.toPublish + media(.video, 1, [0x17, 1]), accepts: false)
        #expect(server.media.isEmpty)
        server.session.acceptPublish(now: .zero, into: &server.directives)
        try server.receive(media(.video, 2, [0x17, 2]) + media(.audio, 3, []) + media(.data, 4, [0, 0, 0, 9]))
        try server.receive(hex("05 000005 000003 0f 01000000 000201") + media(.audio, 6, [0xAF, 1, 9]))
        #expect(
            server.media == [
                MediaMessage(kind: .video, timestamp: 2, body: [0x17, 2]),
                MediaMessage(kind: .data, timestamp: 5, body: [2, 1]),
                MediaMessage(kind: .audio, timestamp: 6, body: [0xAF, 1, 9]),
            ])
    }

    @Test("splits aggregates, last size or not, and passes over nested ones", arguments: [true, false])
    func aggregates(hasLastSize: Bool) throws {
        var body = hex("08 000002 000064 00 000000 af01 0000000d") + hex("16 000001 000064 00 000000 aa 0000000c")
        body += hex("09 000003 00006e 00 000000 270102") + (hasLastSize ? hex("0000000e") : [])
        let message = Message(type: MessageType(rawValue: 22), timestamp: 1000, stream: 1, body: body[...])
        var server = Server()
        try server.receive(Self.toPublish)
        try server.receive(ChunkEncoder(chunkSize: 128).encode(message))
        #expect(server.media.map(\.timestamp) == [1000, 1010])
        #expect(server.media.map(\.kind) == [.audio, .video])
    }

    @Test("refuses an aggregate that is cut short")
    func brokenAggregate() throws {
        let body = hex("08 000005 000064 00 000000 af01")
        let message = Message(type: MessageType(rawValue: 22), timestamp: 1000, stream: 1, body: body[...])
        var server = Server()
        try server.receive(Self.toPublish)
        #expect(throws: RTMPFailure.malformedMessage(MessageType(rawValue: 22))) {
            try server.receive(ChunkEncoder(chunkSize: 128).encode(message))
        }
    }

    @Test("refuses in words that OBS knows, then closes")
    func refusals() throws {
        let reasons: [(RefusalReason, String)] = [
            (.busy("live already"), "NetStream.Publish.BadName"), (.denied("bad token"), "NetStream.Publish.Denied"),
        ]
        for (reason, code) in reasons {
            var server = Server()
            try server.receive(Self.toPublish, accepts: false)
            server.session.refusePublish(reason, into: &server.directives)
            let status = try #require(try server.commands().last?.argument(1))
            #expect(status["code"]?.string == code)
            #expect(status["level"]?.string == "error")
            #expect(status["description"]?.string == reason.text)
            #expect(server.directives.last == .close(.refused))
            let before = server.directives.count
            try server.receive(media(.video, 0, [1]))
            #expect(server.directives.count == before)
        }
    }

    @Test(
        "ends a stream by any of the words for it, once, and takes another",
        arguments: [
            command("FCUnpublish", 6, [.null, .string("key")]) + command("deleteStream", 7, [.null, .number(1)]),
            command("deleteStream", 0, [.null, .string("key")]), command("closeStream", 0, [.null], stream: 1),
        ])
    func unpublish(bytes: [UInt8]) throws {
        var server = Server()
        try server.receive(Self.toPublish)
        try server.receive(bytes)
        #expect(server.events.last == .unpublish)
        #expect(server.events.count == 2)
        try server.receive(command("publish", 8, [.null, .string("other")]))
        #expect(server.isPublishing == true)
    }

    @Test("takes one stream a connection")
    func secondPublish() throws {
        var server = Server()
        try server.receive(Self.toPublish)
        try server.receive(command("publish", 8, [.null, .string("other")]))
        #expect(try server.commands().last?.argument(1)?["code"]?.string == "NetStream.Publish.BadName")
        #expect(server.isPublishing == true)
        #expect(server.events.count == 1)
    }

    @Test("plays: begin, reset, start, then data")
    func play() throws {
        var server = Server()
        try server.receive(Self.toConnect + command("play", 4, [.null, .string("key"), .number(-2000)], stream: 1))
        let messages = try decode([Array(server.sent.dropFirst(3073))])
        #expect(messages.suffix(5).map(\.type.rawValue) == [4, 20, 20, 18, 18])
        let codes = try server.commands().compactMap { $0.argument(1)?["code"]?.string }
        #expect(codes.suffix(2) == ["NetStream.Play.Reset", "NetStream.Play.Start"])
        #expect(server.isPlaying == true)
        try server.receive(command("deleteStream", 0, [.null, .number(1)]))
        #expect(server.events.last == .stopPlay)
    }

    @Test("asks to reconnect only who said that it can")
    func reconnect() throws {
        for (capabilities, isAsked) in [(0.0, false), (1, true), (6, false), (7, true), (.nan, false)] {
            var server = Server()
            try server.receive(plainHandshake + connect("live", [AMFProperty("capsEx", .number(capabilities))]))
            let asked = server.session.requestReconnect(
                to: "rtmp://other/live", description: "drain", into: &server.directives)
            #expect(asked == isAsked)
            let status = try server.commands().last?.argument(1)
            #expect((status?["code"]?.string == "NetConnection.Connect.ReconnectRequest") == isAsked)
            #expect((status?["tcUrl"]?.string == "rtmp://other/live") == isAsked)
        }
    }

    @Test("says goodbye to publishers and players")
    func close() throws {
        for (word, code) in [("publish", "NetStream.Unpublish.Success"), ("play", "NetStream.Play.UnpublishNotify")] {
            var server = Server()
            try server.receive(Self.toConnect + command(word, 4, [.null, .string("key")]))
            server.session.close("stopped", into: &server.directives)
            #expect(try server.commands().last?.argument(1)?["code"]?.string == code)
            #expect(server.directives.last == .close(.requested))
            server.session.close("again", into: &server.directives)
            #expect(server.events.count == 2)
        }
    }

    @Test("refuses a flood of commands before publish")
    func commandFlood() throws {
        var server = Server()
        try server.receive(Self.toConnect)
        #expect(throws: RTMPFailure.commands(64)) {
            for _ in 0..<64 { try server.receive(command("createStream", 2, [.null])) }
        }
        #expect(try server.commands().last?.argument(1)?["code"]?.string == "NetConnection.Connect.Closed")
    }

    @Test("refuses a flood of commands from a publisher and a player too", arguments: ["publish", "play"])
    func laterFlood(verb: String) throws {
        var server = Server()
        try server.receive(Self.toConnect + command(verb, 3, [.null, .string("key")]))
        let endless =
            command("createStream", 2, [.null]) + command("closeStream", 0, [.null])
            + command(verb, 3, [.null, .string("key")])
        #expect(throws: RTMPFailure.commands(64)) {
            for _ in 0..<64 { try server.receive(endless) }
        }
    }

    @Test("refuses a publisher in its midst by a code at which encoders give up")
    func lateRefusal() throws {
        var server = Server()
        try server.receive(Self.toPublish)
        server.session.refusePublish(.denied("The audio codec MP3 is not carried."), into: &server.directives)
        #expect(try server.commands().last?.argument(1)?["code"]?.string == "NetStream.Publish.Denied")
        #expect(server.events.last == .close(.refused))
    }

    @Test("takes a command a second for as long as it lives")
    func slowCommands() throws {
        var server = Server()
        try server.receive(Self.toPublish)
        for second in 1...500 {
            server.now = .seconds(second)
            try server.receive(command("createStream", 2, [.null]))
        }
        #expect(server.isPublishing == true)
    }

    @Test("refuses a second connect and stays what it was")
    func secondConnect() throws {
        var server = Server()
        try server.receive(Self.toConnect + connect("other") + command("publish", 5, [.null, .string("key")]))
        #expect(try server.commands().map(\.name) == ["_result", "_error", "onStatus"])
        guard case .publish(let request) = server.events.first else { throw Truncated() }
        #expect(try request.streamID().description == "live/key")
    }

    @Test("refuses a command that is no AMF")
    func badCommand() throws {
        var server = Server()
        try server.receive(plainHandshake)
        #expect(throws: RTMPFailure.malformedAMF(.marker(255))) {
            try server.receive(hex("03 000000 000001 14 00000000 ff"))
        }
    }

    @Test("takes commands no deeper than settings say")
    func depth() throws {
        let nested = (0..<6).reduce(AMFValue.null) { value, _ in .object([AMFProperty("a", value)]) }
        for limit in [4, 16] {
            var settings = RTMPSettings()
            settings.amfDepth = limit
            var server = Server(settings: settings)
            try server.receive(Self.toConnect)
            var failure: RTMPFailure?
            do { try server.receive(command("strange", 0, [nested])) } catch { failure = error as? RTMPFailure }
            #expect(failure == (limit == 4 ? .malformedAMF(.tooDeep(4)) : nil))
        }
    }

    @Test("ignores shared objects, unknown types and unknown events")
    func unknownTypes() throws {
        var server = Server()
        try server.receive(Self.toConnect)
        for type in ["10", "13", "07", "63"] { try server.receive(hex("03 000000 000001 \(type) 00000000 ff")) }
        try server.receive(hex("02 000000 000002 04 00000000 0063"))
        try server.receive(command("publish", 2, [.null, .string("key")]))
        #expect(server.isPublishing == true)
    }
}
