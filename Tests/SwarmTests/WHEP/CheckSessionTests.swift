// SPDX-License-Identifier: Apache-2.0

import Cluster
import Swarm
import TestKit
import Testing
import WebRTC

@Suite("A viewer's checks") struct CheckSessionTests {
    @Test("select the first address that answers, and a lite server takes it")
    func selects() throws {
        var world = World()
        world.start()
        #expect(world.sent.map(\.1) == World.endpoints)
        #expect(world.deliver() == [.select(World.endpoints[1])])
        #expect(world.server.selected != nil)
        #expect(world.deliver() == [], "a second answer says nothing new")
    }

    @Test("go on at growing distances, and fail after ten seconds without an answer")
    func patience() throws {
        var world = World()
        world.start()
        var times: [Duration] = []
        while let due = world.viewer.nextDeadline, times.count < 100 {
            world.now = due
            times.append(due)
            world.tick()
        }
        #expect(times.prefix(3) == [.milliseconds(50), .milliseconds(150), .milliseconds(350)])
        #expect(world.others == [.fail])
        #expect(world.now >= .seconds(10))
        #expect(world.now < .seconds(11))
    }

    @Test("ask for consent every four to six seconds, and fail half a minute after the last answer")
    func consent() throws {
        var world = World()
        world.start()
        _ = world.deliver()
        let first = try #require(world.viewer.nextDeadline)
        world.now = first
        world.tick()
        #expect(world.sent.map(\.1) == [World.endpoints[1]])
        let second = try #require(world.viewer.nextDeadline)
        #expect((.seconds(4)...Duration.seconds(6)).contains(second - first))
        while let due = world.viewer.nextDeadline {
            world.now = due
            world.tick()
        }
        #expect(world.others == [.fail])
        #expect((.seconds(30)...Duration.seconds(37)).contains(world.now))
    }

    @Test("answer a full server's own, and nobody who does not know the password", arguments: [true, false])
    func answers(_ knows: Bool) throws {
        var world = World()
        world.start()
        var writer = STUNWriter(.bindingRequest, transaction: .random(using: &world.random))
        writer.append(username: "abcd:\(World.remote.fragment)")
        let bytes = writer.finish(key: STUNIntegrityKey(password: knows ? World.local.password : "wrong"))
        var directives: [CheckSession.Directive] = []
        world.viewer.receive(bytes.span, from: World.endpoints[0], now: world.now, into: &directives)
        #expect(directives.count == (knows ? 1 : 0))
        guard case .send(let answer, let endpoint)? = directives.first else { return }
        #expect(endpoint == World.endpoints[0])
        #expect(try STUNMessage(parsing: answer.span).kind == .bindingSuccess)
    }

    @Test("are moved by nothing that is cut or has changed bits", arguments: 0..<20)
    func damage(_ seed: UInt64) throws {
        var world = World(seed: seed)
        world.start()
        let answer = try #require(world.answers().first)
        for count in 0..<answer.count { #expect(world.receive(Array(answer[..<count])) == []) }
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            var spoilt = answer
            // What stands behind MESSAGE-INTEGRITY is FINGERPRINT, whose loss changes nothing.
            spoilt[Int.random(in: 0..<spoilt.count - 8, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(world.receive(spoilt) == [], "seed \(seed)")
        }
    }
}

/// A viewer, and a lite server at the second of two addresses.
private struct World {
    var viewer: CheckSession
    var server: ICESession
    var random: SeededRandom
    var now: Duration = .zero
    private(set) var sent: [([UInt8], Endpoint)] = []
    private(set) var others: [CheckSession.Directive] = []

    static let local = ICECredentials(fragment: "abcd", password: "0123456789012345678901")
    static let endpoints = [7, 8].map { Endpoint(address: .v4($0), port: 8000) }
    private static let server: ICELocalCredentials = {
        var random = SeededRandom(seed: 7)
        return .random(using: &random)
    }()
    static var remote: ICECredentials { server.credentials }

    init(seed: UInt64 = 1) {
        random = SeededRandom(seed: seed)
        viewer = CheckSession(local: Self.local, remote: Self.remote, endpoints: Self.endpoints, tieBreaker: 5)
        server = ICESession(credentials: Self.server, now: .zero)
    }

    mutating func start() {
        var directives: [CheckSession.Directive] = []
        viewer.start(now: now, using: &random, into: &directives)
        keep(directives)
    }

    mutating func tick() {
        var directives: [CheckSession.Directive] = []
        viewer.tick(now: now, using: &random, into: &directives)
        keep(directives)
    }

    mutating func receive(_ bytes: [UInt8]) -> [CheckSession.Directive] {
        var directives: [CheckSession.Directive] = []
        viewer.receive(bytes.span, from: Self.endpoints[1], now: now, into: &directives)
        return directives
    }

    /// What the server says to the checks that came to it.
    mutating func answers() -> [[UInt8]] {
        var directives: [ICESession.Directive] = []
        for (bytes, endpoint) in sent where endpoint == Self.endpoints[1] {
            guard let message = try? STUNMessage(parsing: bytes.span) else { continue }
            let path = ICEPath(remote: Endpoint(address: .v4(9), port: 1))
            server.receive(message, in: bytes.span, on: path, now: now, into: &directives)
        }
        return directives.compactMap { if case .send(let bytes, _) = $0 { bytes } else { nil } }
    }

    /// Brings the answers to the viewer.
    mutating func deliver() -> [CheckSession.Directive] {
        answers().flatMap { receive($0) }
    }

    private mutating func keep(_ directives: [CheckSession.Directive]) {
        sent = []
        for directive in directives {
            if case .send(let bytes, let endpoint) = directive {
                sent.append((bytes, endpoint))
            } else {
                others.append(directive)
            }
        }
    }
}
