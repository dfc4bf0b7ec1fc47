// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import TestKit
import Testing

@Suite("The loads of edges")
struct EdgeLoadsTests {
    @Test("are what edges report and what was sent to them since, which fades by half in a second")
    func pending() throws {
        var loads = EdgeLoads()
        loads.follow(try Nodes.edges(2).candidates())
        loads.receive(try report("edge-1", 1, megabits: 100), now: .zero)
        for _ in 0..<40 { loads.assign(key(1), to: 0, now: .zero) }
        #expect(abs(loads.load(of: 0) - 0.2) < 1e-9)
        #expect(loads.audience(of: key(1)) == Bandwidth(kilobits: 100_000))
        loads.receive(try report("edge-1", 2, megabits: 150), now: .seconds(1))
        #expect(abs(loads.load(of: 0) - 0.2) < 1e-9)
        loads.receive(try report("edge-1", 3, megabits: 200), now: .seconds(60))
        #expect(abs(loads.load(of: 0) - 0.2) < 1e-6)
        #expect(abs(loads.use - 0.1) < 1e-6)
    }

    @Test("take no report that is older, twice or of a stranger, and begin anew with a node born again")
    func order() throws {
        var nodes = try Nodes.edges(1)
        var loads = EdgeLoads()
        loads.follow(nodes.candidates())
        loads.receive(try report("edge-1", 5, megabits: 500), now: .zero)
        loads.receive(try report("edge-1", 5, megabits: 100), now: .zero)
        loads.receive(try report("edge-1", 4, megabits: 100), now: .zero)
        loads.receive(try report("stranger", 9, megabits: 100), now: .zero)
        #expect(loads.use == 0.5)
        nodes.change("edge-1") { $0.incarnation += 1 }
        loads.follow(nodes.candidates())
        #expect(loads.use == 0.5, "a refuted suspicion is not a new life")
        nodes.change("edge-1") { $0.incarnation += 256 }
        loads.follow(nodes.candidates())
        #expect(loads.use == 0)
        loads.receive(try report("edge-1", 0, megabits: 100), now: .zero)
        #expect(loads.use == 0.1)
    }

    @Test("add up a stream's audience over edges, by bandwidth where it is known")
    func audiences() throws {
        let nodes = try Nodes.edges(3)
        var loads = EdgeLoads()
        loads.follow(nodes.candidates())
        loads.receive(try report("edge-1", 1, streams: [(1, 10, 9000)]), now: .zero)
        loads.receive(try report("edge-2", 1, streams: [(1, 4, 0), (2, 1, 800)]), now: .zero)
        #expect(loads.audience(of: key(1)) == Bandwidth(kilobits: 19_000))
        #expect(loads.audience(of: key(2)) == Bandwidth(kilobits: 800))
        loads.receive(try report("edge-1", 2), now: .zero)
        #expect(loads.audience(of: key(1)) == Bandwidth(kilobits: 10_000))
        loads.follow(nodes.without("edge-2").candidates())
        #expect(loads.audience(of: key(1)) == .zero)
        #expect(loads.audience(of: key(2)) == .zero)
    }

    @Test("do not believe an edge that reports nothing: it gets at most twice its share and the bound's quarter")
    func liar() throws {
        let nodes = try Nodes.edges(4, capacity: 100_000)
        let candidates = nodes.candidates()
        var loads = EdgeLoads()
        loads.follow(candidates)
        var random = SeededRandom(seed: 1)
        var viewers = [Int](repeating: 0, count: 4)
        for second in 0..<120 {
            for _ in 0..<500 {
                let session = ViewerID.random(using: &random)
                let placement = try #require(
                    loads.place(session, of: key(1), in: [0, 1, 2, 3], of: candidates))
                loads.assign(key(1), to: placement.first, now: .seconds(second))
                viewers[placement.first] += 1
            }
            for index in 0..<4 {
                let reported = index == 0 ? 0 : viewers[index] * 2500 / 1000
                loads.receive(
                    try report("edge-\(index + 1)", UInt64(second) + 1, megabits: reported), now: .seconds(second))
            }
        }
        print("a lying edge has \(viewers[0]) of \(viewers.reduce(0, +)) viewers beside \(viewers.dropFirst())")
        #expect(Double(viewers[0]) < 2.5 * Double(viewers.dropFirst().reduce(0, +)) / 3)
    }

    @Test("survive any report")
    func absurd() throws {
        var loads = EdgeLoads()
        loads.follow(try Nodes.edges(2).candidates())
        let audience = StreamAudience(key: key(1), viewers: .max, kilobits: .max)
        loads.receive(
            LoadReport(
                node: try node("edge-1"), sequence: .max, egress: .max, processor: .max, viewers: .max,
                streams: [StreamAudience](repeating: audience, count: 64)), now: .zero)
        #expect(loads.audience(of: key(1)).kilobits == 64 * UInt64(UInt32.max))
        #expect(loads.use > 1)
        loads.assign(key(1), to: 1, now: .seconds(1 << 40))
        #expect(loads.load(of: 1) > 0)
    }

    private func report(
        _ name: String, _ sequence: UInt64, megabits: Int = 0, streams: [(Int, UInt32, UInt32)] = []
    ) throws -> LoadReport {
        LoadReport(
            node: try node(name), sequence: sequence, egress: UInt64(megabits) * 1_000_000, processor: 100, viewers: 0,
            streams: streams.map { StreamAudience(key: key($0.0), viewers: $0.1, kilobits: $0.2) })
    }
}
