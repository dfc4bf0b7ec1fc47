// SPDX-License-Identifier: Apache-2.0

import Cluster
import Fanout
import Media
import TestKit
import Testing

@Suite("A session table") struct SessionTableTests {
    @Test("begins a session with an id of its own, and finds it")
    func begins() throws {
        let world = World()
        let first = try world.create(ssrc: 1)
        let second = try world.create(ssrc: 2)
        #expect(first.id != second.id)
        #expect(world.table.session(first.id) == first)
        #expect(
            world.take() == [
                .begin(1, ssrc: 1, .endpoint(world.source), .video),
                .begin(2, ssrc: 2, .endpoint(world.source), .video),
            ])
        #expect(world.table.sessions(limit: 1, after: 0) == [first])
        #expect(world.table.sessions(limit: 9, after: 1) == [second])
    }

    @Test("has one session an SSRC, and gives it free again")
    func sourceIsTaken() throws {
        let world = World()
        let first = try world.create(ssrc: 7)
        #expect(throws: SessionFailure.sourceIsTaken) { try world.create(ssrc: 7) }
        try world.delete(first.id)
        #expect(world.take().last == .end(1))
        #expect(throws: SessionFailure.unknownSession) { try world.delete(first.id) }
        #expect(try world.create(ssrc: 7).number == 2)
    }

    @Test("keeps its limits")
    func limits() throws {
        let world = World {
            $0.maximumSessions = 2; $0.maximumSubscribers = 2; $0.maximumAsked = 1
        }
        let first = try world.create(ssrc: 1)
        let second = try world.create(ssrc: 2)
        #expect(throws: SessionFailure.tooManySessions) { try world.create(ssrc: 3) }
        try world.subscribe(1, to: first.id)
        try world.subscribe(2, to: first.id)
        try world.subscribe(2, to: first.id)
        #expect(throws: SessionFailure.tooManySubscribers) { try world.subscribe(3, to: first.id) }
        try world.subscribe(4, to: second.id, isAllowed: false)
        #expect(throws: SessionFailure.tooManyAsked) { try world.subscribe(5, to: second.id, isAllowed: false) }
        #expect(world.table.subscriberCount == 3)
        try world.delete(first.id)
        #expect(world.table.subscriberCount == 1)
    }

    @Test("sends at once to who always wants, and stops when asked to")
    func allowed() throws {
        let world = World()
        let session = try world.create(ssrc: 1)
        try world.subscribe(1, to: session.id)
        #expect(world.table.session(session.id)?.subscriberCount == 1)
        try world.unsubscribe(1, from: session.id)
        #expect(world.take().dropFirst() == [.subscribe(1, world.viewer(1)), .unsubscribe(1, world.viewer(1))])
        #expect(throws: SessionFailure.unknownSubscriber) { try world.unsubscribe(1, from: session.id) }
    }

    @Test("sends to others only what proves that they want it")
    func probed() throws {
        let world = World()
        let session = try world.create(ssrc: 1)
        try world.subscribe(1, to: session.id, isAllowed: false)
        let token = try #require(world.take().compactMap(\.token).last)
        #expect(!world.answer(token, from: 2))
        #expect(!world.answer(ProbeToken(high: token.high, low: ~token.low), from: 1))
        #expect(world.take().isEmpty)
        #expect(world.answer(token, from: 1))
        #expect(world.take() == [.subscribe(1, world.viewer(1))])
        #expect(!world.answer(token, from: 1))
    }

    @Test("asks five times, a second apart, and gives up")
    func unanswered() throws {
        let world = World()
        let session = try world.create(ssrc: 1)
        try world.subscribe(1, to: session.id, isAllowed: false)
        var probes = world.take().compactMap(\.token)
        for _ in 0..<10 { probes += world.tick().compactMap(\.token) }
        #expect(probes.count == 5)
        #expect(Set(probes).count == 1)
        #expect(world.table.subscriberCount == 0)
    }

    @Test("asks the willing again, who receive meanwhile, and stops where no answer comes")
    func renewed() throws {
        let world = World()
        let session = try world.create(ssrc: 1)
        try world.subscribe(1, to: session.id, isAllowed: false)
        for _ in 0..<2 {
            let token = try #require(world.take().compactMap(\.token).last)
            #expect(world.answer(token, from: 1))
            _ = world.take()
            for second in 1...30 { #expect(world.tick(keep: true).isEmpty == (second < 30)) }
        }
        var directives: [SessionTable.Directive] = []
        for _ in 0..<10 { directives += world.tick() }
        #expect(directives.last == .unsubscribe(1, world.viewer(1)))
        #expect(world.table.session(session.id)?.subscriberCount == 0)
    }

    @Test("ends a session that hears nothing, and no other")
    func idle() throws {
        let world = World()
        let quiet = try world.create(ssrc: 1)
        let live = try world.create(ssrc: 2)
        _ = world.take()
        var ends: [SessionTable.Directive] = []
        for _ in 0..<301 { ends += world.tick { $0 == live.number ? world.now : nil } }
        #expect(ends == [.end(quiet.number)])
        #expect(world.table.count == 1)
    }

    @Test("has branches of others' sessions beside its own, within the same limits")
    func branches() throws {
        let world = World {
            $0.maximumSessions = 2; $0.maximumSubscribers = 1
        }
        let own = try world.create(ssrc: 1)
        let other = SessionID.random(using: &world.random)
        let first = try world.table.beginBranch(of: other, now: world.now, into: &world.directives)
        #expect(throws: SessionFailure.tooManySessions) { try world.create(ssrc: 2) }
        try world.attach(1, to: first)
        #expect(throws: SessionFailure.tooManySubscribers) { try world.attach(2, to: first) }
        #expect(world.table.count == 1 && world.table.branchCount == 1 && world.table.subscriberCount == 1)
        #expect(world.table.session(other) == nil && world.table.sessions(limit: 9, after: 0) == [own])
        _ = world.take()
        let second = try world.table.beginBranch(of: other, now: world.now, into: &world.directives)
        #expect(world.take() == [.end(first), .beginBranch(second)])
        world.table.endBranch(first, into: &world.directives)
        world.table.endBranch(second, into: &world.directives)
        #expect(world.take() == [.end(second)])
        #expect(world.table.branchCount == 0 && world.table.subscriberCount == 0)
    }

    @Test("ends no branch for want of packets, and says of a subscriber there that it does not answer")
    func unwillingAtBranch() throws {
        let world = World()
        let id = SessionID.random(using: &world.random)
        let branch = try world.table.beginBranch(of: id, now: world.now, into: &world.directives)
        try world.attach(1, to: branch, isAllowed: false)
        _ = world.take()
        var directives: [SessionTable.Directive] = []
        for _ in 0..<400 { directives += world.tick() }
        #expect(directives.last == .unwilling(branch, world.viewer(1)))
        #expect(world.table.branchCount == 1 && world.table.subscriberCount == 0)
    }

    /// A table with its clock and its chance.
    private final class World {
        var table: SessionTable
        var random = SeededRandom(seed: 5)
        var now: Duration = .seconds(1000)
        var directives: [SessionTable.Directive] = []
        let source = Endpoint(address: .v4(0x0A00_0001), port: 9000)

        init(change: (inout FanoutSettings) -> Void = { _ in }) {
            var settings = FanoutSettings()
            change(&settings)
            table = SessionTable(settings)
        }

        func viewer(_ number: UInt16) -> Endpoint { Endpoint(address: .v4(0xC000_0201), port: number) }

        func create(ssrc: UInt32) throws -> SessionStatus {
            try table.create(
                source: source, ssrc: ssrc, mediaType: .video, now: now, wall: WallTime(milliseconds: 0),
                using: &random, into: &directives)
        }

        func delete(_ id: SessionID) throws { try table.delete(id, into: &directives) }

        func subscribe(_ number: UInt16, to id: SessionID, isAllowed: Bool = true) throws {
            try table.subscribe(
                viewer(number), to: id, isAllowed: isAllowed, now: now, using: &random, into: &directives)
        }

        func attach(_ number: UInt16, to branch: SessionNumber, isAllowed: Bool = true) throws {
            try table.subscribe(
                viewer(number), to: branch, isAllowed: isAllowed, now: now, using: &random, into: &directives)
        }

        func unsubscribe(_ number: UInt16, from id: SessionID) throws {
            try table.unsubscribe(viewer(number), from: id, into: &directives)
        }

        func answer(_ token: ProbeToken, from number: UInt16) -> Bool {
            table.answered(token, from: viewer(number), now: now, into: &directives)
        }

        /// A second later. Gives what is to be done, and keeps it for `take` where asked to.
        func tick(keep: Bool = false, _ lastPacket: (SessionNumber) -> Duration? = { _ in nil })
            -> [SessionTable.Directive]
        {
            now += .seconds(1)
            var made: [SessionTable.Directive] = []
            _ = table.tick(now: now, lastPacket: lastPacket, using: &random, into: &made)
            if keep { directives += made }
            return made
        }

        func take() -> [SessionTable.Directive] {
            defer { directives = [] }
            return directives
        }
    }
}

@Suite("A source gate") struct SourceGateTests {
    @Test(
        "admits whom its address names",
        arguments: [
            ("10.0.0.1", 9000, [true, false, false]), ("10.0.0.1", 0, [true, true, false]),
            ("0.0.0.0", 0, [true, true, true]), ("::", 5, [true, true, true]),
        ])
    func admits(address: String, port: UInt16, expected: [Bool]) throws {
        let gate = SourceGate(Endpoint(address: try #require(IPAddress(parsing: address)), port: port))
        let sources = [
            Endpoint(address: .v4(0x0A00_0001), port: 9000), Endpoint(address: .v4(0x0A00_0001), port: 9001),
            Endpoint(address: .v4(0x0A00_0002), port: 9000),
        ]
        #expect(sources.map(gate.admits) == expected)
        #expect(gate.pinned == (expected == [true, false, false] ? sources[0] : nil))
    }
}

@Suite("A session id") struct SessionIDTests {
    @Test("is a UUID of version 4 and reads back")
    func version() throws {
        var random = SeededRandom(seed: 9)
        for _ in 0..<100 {
            let id = SessionID.random(using: &random)
            let text = Array(id.description)
            #expect(text.count == 36 && text[14] == "4" && "89ab".contains(text[19]))
            #expect(SessionID(parsing: id.description) == id)
            #expect(SessionID(parsing: id.description.uppercased()) == id)
        }
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "00000000-0000-4000-8000-00000000000", "00000000-0000-4000-8000-0000000000000",
            "0000000000004000800000000000000000000", "+0000000-0000-4000-8000-000000000000",
            "g0000000-0000-4000-8000-000000000000", "000000000-000-4000-8000-000000000000",
        ])
    func refuses(text: String) { #expect(SessionID(parsing: text) == nil) }
}

extension SessionTable.Directive {
    fileprivate var token: ProbeToken? { if case .probe(_, let token) = self { token } else { nil } }
}
