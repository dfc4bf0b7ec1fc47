// SPDX-License-Identifier: Apache-2.0

import Cluster
import Media
import SecureMedia
import Swarm
import TestKit
import Testing

@Suite("A publisher by WHIP") struct WHIPPublisherSessionTests {
    @Test(
        "offers, shakes hands, and sends whole pictures with their stamps, and a report a second",
        arguments: [true, false])
    func pictures(_ hasRepairs: Bool) throws {
        let world = try World(hasRepairs: hasRepairs)
        try world.run(for: .seconds(4))
        #expect(world.published == 1)
        #expect(world.server.requests == ["POST /live/x/whip"])
        #expect((119...120).contains(world.server.units.count))
        #expect(world.server.units.first?.isRandomAccess == true)
        #expect(world.server.units.compactMap { FrameStamp.read($0.payload) }.count == world.server.units.count)
        #expect(world.server.lostPackets == 0)
        #expect((3...5).contains(world.server.reports))
        #expect(world.failures == [])
    }

    @Test(
        "sends lost packets again, as they were or in a stream of their own",
        arguments: [true, false], 0..<3 as Range<UInt64>)
    func losses(_ hasRepairs: Bool, _ seed: UInt64) throws {
        let world = try World(hasRepairs: hasRepairs, seed: seed, loss: 0.1)
        try world.run(for: .seconds(4))
        #expect(world.lost > 10, "seed \(seed)")
        #expect(world.server.recovered >= world.lost - 3, "seed \(seed)")
        #expect(world.server.lostPackets == 0, "seed \(seed)")
        #expect((118...120).contains(world.server.units.count), "seed \(seed)")
    }

    @Test("goes on to the clip's next random access point where one is asked for")
    func randomAccess() throws {
        let world = try World()
        try world.run(for: .seconds(1))
        try world.deliver(world.server.requestRandomAccess(now: world.now))
        try world.run(for: .seconds(2))
        #expect((89...90).contains(world.server.units.count))
        #expect(world.server.units.count(where: \.isRandomAccess) == 2)
    }

    @Test("ends its session at the server, which named it")
    func leave() throws {
        let world = try World()
        try world.run(for: .seconds(1))
        try world.leave()
        #expect(world.server.requests == ["POST /live/x/whip", "DELETE \(WHIPServer.location)"])
        #expect(world.isOver)
        #expect(world.failures == [])
        let count = world.server.units.count
        try world.run(for: .seconds(1))
        #expect(world.server.units.count == count, "media after the end")
    }

    @Test(
        "fails by the kind of the answer, and asks nobody to end what was not begun",
        arguments: [(403, PlayFault.refused), (503, .server), (204, .malformed)])
    func refusals(_ status: Int, _ fault: PlayFault) throws {
        let world = try World(status: status)
        try world.run(for: .seconds(1))
        #expect(world.failures == [fault])
        #expect(world.requests == 1)
        #expect(world.isOver)
    }

    @Test("fails once where the server ends the session, and knows nothing of it any more")
    func end() throws {
        let world = try World()
        try world.run(for: .seconds(1))
        world.status = 404
        try world.deliver(world.server.close())
        #expect(world.failures == [.ended])
        #expect(world.requests == 2)
        #expect(world.isOver)
    }

    @Test("fails where nobody answers its checks for ten seconds")
    func silence() throws {
        let world = try World(isDeaf: true)
        try world.run(for: .seconds(11))
        #expect(world.failures == [.checks])
        #expect(world.isOver)
    }

    @Test("that has shaken hands is ended by nothing that is cut or has changed bits", arguments: 0..<5)
    func damage(_ seed: UInt64) throws {
        let world = try World(seed: seed, damage: 0.5)
        try world.run(for: .seconds(5))
        #expect(world.failures.allSatisfy { [PlayFault.handshake, .checks].contains($0) }, "seed \(seed)")
        #expect(world.published + world.failures.count <= 1, "seed \(seed)")
    }
}

/// A publisher and its server, with a way between them that may lose what goes.
private final class World {
    let server: WHIPServer
    /// What the server answers to everything from now on; nil for what it should.
    var status: Int?
    private(set) var now: Duration = .zero
    private(set) var published = 0
    private(set) var failures: [PlayFault] = []
    private(set) var requests = 0
    /// Packets of media that were lost on the way.
    private(set) var lost = 0
    private(set) var isOver = false
    private var session: WHIPPublisherSession
    private var random: SeededRandom
    private let loss: Double
    private let damage: Double
    private let isDeaf: Bool
    private var isBegun = false
    private var sent = 0
    private var directives: [WHIPPublisherSession.Directive] = []

    /// - Parameters:
    ///   - loss: of how many packets of media one is lost, as a share.
    ///   - damage: which share of the server's datagrams comes with changed bits, or cut, beside what was sent.
    ///   - isDeaf: whether the server answers no datagram.
    init(
        hasRepairs: Bool = true, status: Int? = nil, seed: UInt64 = 1, loss: Double = 0, damage: Double = 0,
        isDeaf: Bool = false
    ) throws {
        server = WHIPServer(hasRepairs: hasRepairs)
        self.status = status
        self.loss = loss
        self.damage = damage
        self.isDeaf = isDeaf
        random = SeededRandom(seed: seed)
        let wall = WallTime(milliseconds: 1_795_255_200_000)
        guard let address = HTTPAddress("http://a.example/live/x/whip") else { throw Unusable() }
        session = WHIPPublisherSession(
            WHEPSignaling(address), pictures: try ClipPictures(.synthetic(), wall: wall, now: .zero), source: 77,
            context: DTLSContext(.generate(now: wall)))
    }

    /// As a timer of 5 ms has it.
    func run(for time: Duration) throws {
        let end = now + time
        while now < end {
            if !isBegun {
                isBegun = true
                session.start(now: now, using: &random, into: &directives)
            } else if let due = session.nextDeadline, due <= now {
                session.tick(now: now, using: &random, into: &directives)
            }
            try obey()
            try publish()
            try deliver(server.tick(now: now))
            now += .milliseconds(5)
        }
    }

    func leave() throws {
        session.leave(now: now, into: &directives)
        try obey()
    }

    /// Brings the publisher what the server sends.
    func deliver(_ datagrams: [[UInt8]]) throws {
        for datagram in datagrams { bring(datagram) }
        try obey()
    }

    private func publish() throws {
        while let due = session.due, due <= now {
            var packets: [[UInt8]] = []
            session.next(stamp: now, now: now, into: &packets)
            for packet in packets {
                sent += 1
                // Nobody asks for what was before the first that came.
                if sent > 1, Double.random(in: 0..<1, using: &random) < loss {
                    lost += 1
                } else {
                    try deliver(server.receive(packet, now: now))
                }
            }
        }
    }

    private func bring(_ datagram: [UInt8]) {
        if Double.random(in: 0..<1, using: &random) < damage { receive(spoilt(datagram)) }
        receive(datagram)
    }

    private func receive(_ datagram: [UInt8]) {
        var bytes = datagram
        bytes.withUnsafeMutableBytes {
            session.receive($0, from: WHIPServer.endpoint, now: now, into: &directives)
        }
    }

    private func spoilt(_ datagram: [UInt8]) -> [UInt8] {
        guard Bool.random(using: &random) else {
            return Array(datagram.prefix(Int.random(in: 0..<max(1, datagram.count), using: &random)))
        }
        var bytes = datagram
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        return bytes
    }

    private func obey() throws {
        while !directives.isEmpty {
            switch directives.removeFirst() {
            case .end: isOver = true
            case .fail(let fault): failures.append(fault)
            case .publish: published += 1
            case .request(let request):
                requests += 1
                let answer = try status.map { WHIPServer.answer($0) } ?? server.answer(request, now: now)
                session.receive(answer, now: now, using: &random, into: &directives)
            case .send(let datagram, let endpoint):
                if !isDeaf, endpoint == WHIPServer.endpoint {
                    for answer in server.receive(datagram, now: now) { bring(answer) }
                }
            }
        }
    }
}
