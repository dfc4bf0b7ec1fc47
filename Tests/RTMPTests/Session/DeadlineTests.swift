// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTMP
import Testing

@Suite("A server session's deadline")
struct DeadlineTests {
    private let toPublish = plainHandshake + connect("live") + command("publish", 2, [.null, .string("key")])
    private let toPlay = plainHandshake + connect("live") + command("play", 2, [.null, .string("key")])

    @Test("is 5 s for the handshake, also byte by byte")
    func handshake() throws {
        var server = Server()
        for second in 0..<5 {
            server.now = .seconds(second)
            try server.receive([plainHandshake[second]])
        }
        server.tick(at: .milliseconds(4999))
        #expect(server.events.isEmpty)
        server.tick(at: .seconds(5))
        #expect(server.events == [.close(.timedOut(.handshake))])
        #expect(server.nextDeadline == nil)
    }

    @Test("is 10 s for commands")
    func commands() throws {
        var server = Server()
        server.now = .seconds(1)
        try server.receive(plainHandshake + connect("live"))
        #expect(server.nextDeadline == .seconds(11))
        server.tick(at: .seconds(11))
        #expect(server.events == [.close(.timedOut(.command))])
    }

    @Test("waits for the owner without end")
    func deciding() throws {
        var server = Server()
        try server.receive(toPublish, accepts: false)
        #expect(server.nextDeadline == nil)
    }

    @Test("is 15 s without media, which pings do not put off")
    func publishIdle() throws {
        var server = Server()
        try server.receive(toPublish)
        server.now = .seconds(10)
        try server.receive(hex("06 000000 001000 09 01000000") + [UInt8](repeating: 0, count: 100))
        #expect(server.nextDeadline == .seconds(25), "part of a message counts")
        server.now = .seconds(20)
        try server.receive([UInt8](repeating: 0, count: 28) + hex("02 000000 000006 04 00000000 0006 00000001"))
        #expect(server.nextDeadline == .seconds(35))
        server.now = .seconds(30)
        try server.receive(hex("02 000000 000006 04 00000000 0006 00000001"))
        #expect(server.nextDeadline == .seconds(35))
        server.tick(at: .seconds(35))
        #expect(server.events.last == .close(.timedOut(.publish)))
    }

    @Test("pings a silent player after 60 s and gives it 30 s more")
    func ping() throws {
        var server = Server()
        try server.receive(toPlay)
        server.tick(at: .seconds(60))
        #expect(server.sent.suffix(6).starts(with: [0, 6]))
        #expect(server.nextDeadline == .seconds(90))
        server.now = .seconds(80)
        try server.receive(hex("42 000000 000006 04 0007 00000001"))
        #expect(server.nextDeadline == .seconds(140))
        server.tick(at: .seconds(140))
        server.tick(at: .seconds(170))
        #expect(server.events.last == .close(.timedOut(.play)))
    }

    @Test("answers a flood of pings once a read, with the last")
    func pong() throws {
        var server = Server()
        try server.receive(toPlay)
        let before = server.sent.count
        let pings = (0..<100).flatMap { hex("02 000000 000006 04 00000000 0006 000000") + [UInt8($0)] }
        try server.receive(pings)
        #expect(Array(server.sent[before...]) == hex("02 000000 000006 04 00000000 0007 00000063"))
    }

    @Test("acknowledges by half windows, modulo 2^32, only who asked")
    func acknowledgements() throws {
        var server = Server()
        try server.receive(toPublish)
        let quiet = server.sent.count
        let large = media(.video, 0, [UInt8](repeating: 1, count: 200_000), chunkSize: 128)
        try server.receive(large)
        #expect(server.sent.count == quiet)
        try server.receive(hex("02 000000 000004 05 00000000 00030d40"))
        try server.receive(large)
        let last = try #require(try decode([Array(server.sent.dropFirst(3073))]).last)
        #expect(last.type.rawValue == 3)
        var reader = ByteReader(last.body)
        #expect(try reader.uint32() == UInt32(toPublish.count + large.count * 2 + 16))
    }
}
