// SPDX-License-Identifier: Apache-2.0

import Cluster
import Fanout
import Identity
import TestKit
import Testing

@Suite("Branches of sessions") struct BranchTableTests {
    @Test("begin at the first of the ranking, which takes all it has room for before the next is asked")
    func fills() throws {
        let world = try World(rooms: [2, 2, 2])
        for viewer in 0..<5 { #expect(world.place(viewer) == .some(nil)) }
        #expect(world.held == [[0, 1], [2, 3], [4]])
        #expect(world.begun == [0, 1, 2])
        #expect(world.table.subscriberCount(of: 1) == 5)
    }

    @Test("are refused when the whole set is full, and take one more when one has gone")
    func full() throws {
        let world = try World(rooms: [1, 2])
        for viewer in 0..<3 { #expect(world.place(viewer) == .some(nil)) }
        #expect(world.place(3) == .some(.tooManySubscribers))
        #expect(world.table.subscriberCount == 3)
        #expect(world.remove(1))
        #expect(world.place(3) == .some(nil))
        #expect(world.held == [[0], [2, 3]])
    }

    @Test("are no more than the settings say, and none where they say none")
    func limit() throws {
        for most in 0...2 {
            let world = try World(rooms: [1, 1, 1]) { $0.maximumBranches = most }
            let taken = (0..<3).count { world.place($0) == .some(nil) }
            #expect(taken == most)
        }
    }

    @Test("are no more than that when the ranking has become another")
    func churn() throws {
        let world = try World(rooms: [2, 2, 2]) { $0.maximumBranches = 2 }
        for viewer in 0..<3 { #expect(world.place(viewer) == .some(nil)) }
        var directives: [BranchTable.Directive] = []
        let ranking = [world.nodes[2], world.nodes[1]]
        world.table.place(world.viewer(3), of: 1, among: ranking, for: 99, now: world.now, into: &directives)
        #expect(directives == [.attach(world.viewer(3), 1, at: world.nodes[1])])
        directives = []
        world.table.place(
            world.viewer(4), of: 1, among: [world.nodes[2]], for: 100, now: world.now, into: &directives)
        #expect(directives == [.answer(100, .tooManySubscribers)])
    }

    @Test("ask a node without room again after a second, not sooner")
    func rests() throws {
        let world = try World(rooms: [0])
        #expect(world.place(0) == .some(.tooManySubscribers))
        #expect(world.begun == [0])
        #expect(world.place(0) == .some(.tooManySubscribers))
        #expect(world.begun == [0])
        world.now += .seconds(1)
        world.rooms[0] = 1
        #expect(world.place(0) == .some(nil))
        #expect(world.begun == [0, 0])
    }

    @Test("answer once to each who asks for the same subscriber")
    func again() throws {
        let world = try World(rooms: [1])
        var directives: [BranchTable.Directive] = []
        for call in [PlacementCall(7), 8] {
            world.table.place(
                world.viewer(0), of: 1, among: world.nodes, for: call, now: world.now, into: &directives)
        }
        #expect(directives == [.begin(1, at: world.nodes[0]), .attach(world.viewer(0), 1, at: world.nodes[0])])
        directives = []
        for _ in 0..<2 {
            world.table.attached(world.viewer(0), of: 1, at: world.nodes[0], into: &directives)
        }
        #expect(directives == [.answer(7, nil), .answer(8, nil)])
        #expect(world.place(0) == .some(nil))
    }

    @Test("end with their last subscriber, and with their session, whose callers are told")
    func ends() throws {
        let world = try World(rooms: [1, 1])
        _ = world.place(0)
        #expect(world.remove(0) && !world.remove(0))
        #expect(world.ended == [0])
        _ = world.place(1)
        var directives: [BranchTable.Directive] = []
        world.table.place(world.viewer(2), of: 1, among: world.nodes, for: 99, now: world.now, into: &directives)
        directives = []
        world.table.end(1, into: &directives)
        #expect(directives == [.answer(99, .unknownSession), .end(1, at: world.nodes[0])])
        #expect(world.table.subscriberCount == 0)
    }

    @Test("forget who does not want packets")
    func unwilling() throws {
        let world = try World(rooms: [1])
        _ = world.place(0)
        world.detach(0, from: 0, as: .unwilling)
        #expect(world.table.subscriberCount == 0)
        #expect(world.ended == [0])
        #expect(world.place(1) == .some(nil))
    }

    @Test("move to others when their node is lost, and drop only those for whom there is no room")
    func lost() throws {
        let world = try World(rooms: [3, 1, 1])
        for viewer in 0..<3 { _ = world.place(viewer) }
        world.lose(0)
        #expect(world.held == [[], [0], [1]])
        #expect(world.moved == 2 && world.homeless == [2])
        #expect(world.table.subscriberCount == 2)
    }

    @Test("keep what was sent by those that are gone")
    func tallies() throws {
        let world = try World(rooms: [1, 1])
        _ = world.place(0)
        world.table.hear(BranchTally(packets: 5, bytes: 50), of: 1, at: world.nodes[0])
        world.table.hear(BranchTally(packets: 7, bytes: 70), of: 1, at: world.nodes[0])
        world.lose(0)
        world.table.hear(BranchTally(packets: 1, bytes: 10), of: 1, at: world.nodes[1])
        world.table.hear(BranchTally(packets: 9, bytes: 90), of: 1, at: world.nodes[0])
        #expect(world.table.sent(of: 1) == BranchTally(packets: 8, bytes: 80))
        #expect(world.table.sent(of: 2) == .zero)
    }

    @Test("hold every subscriber once, within every node's room, whatever comes", arguments: UInt64(1)...40)
    func anything(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let rooms = (0..<4).map { _ in Int.random(in: 0...4, using: &random) }
        let world = try World(rooms: rooms)
        var placed: Set<Int> = []
        for step in 0..<300 {
            world.now += .milliseconds(Int64.random(in: 0...700, using: &random))
            let viewer = Int.random(in: 0..<20, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: world.lose(Int.random(in: 0..<4, using: &random))
            case 1, 2: #expect(world.remove(viewer) == placed.contains(viewer), "seed \(seed), step \(step)")
            default: _ = world.place(viewer)
            }
            placed = Set(world.held.joined())
            #expect(placed.count == world.table.subscriberCount, "seed \(seed), step \(step)")
            #expect(world.held.joined().count == placed.count, "seed \(seed), step \(step)")
            #expect(zip(world.held, rooms).allSatisfy { $0.count <= $1 }, "seed \(seed), step \(step)")
            #expect(world.unanswered == 0, "seed \(seed), step \(step)")
        }
    }

    /// A session whose set is of nodes with room for some, which answer at once.
    private final class World {
        var table: BranchTable
        var now: Duration = .seconds(10)
        var rooms: [Int]
        let nodes: [NodeID]
        var held: [[Int]]
        var begun: [Int] = []
        var ended: [Int] = []
        var unanswered = 0
        var moved = 0
        var homeless: [Int] = []
        private var isOpen: Set<Int> = []
        private var answers: [PlacementCall: SessionFailure?] = [:]
        private var lastCall: PlacementCall = 0

        init(rooms: [Int], change: (inout FanoutSettings) -> Void = { _ in }) throws {
            var settings = FanoutSettings()
            change(&settings)
            table = BranchTable(settings)
            self.rooms = rooms
            held = rooms.map { _ in [] }
            nodes = try rooms.indices.map { try #require(NodeID(parsing: "edge-\($0)")) }
        }

        func viewer(_ number: Int) -> Endpoint { Endpoint(address: .v4(0xC000_0201), port: UInt16(number + 1)) }

        /// What the caller is told; nil where nothing.
        func place(_ number: Int) -> SessionFailure?? {
            lastCall += 1
            unanswered += 1
            var directives: [BranchTable.Directive] = []
            table.place(viewer(number), of: 1, among: nodes, for: lastCall, now: now, into: &directives)
            obey(directives)
            return answers[lastCall]
        }

        func remove(_ number: Int) -> Bool {
            var directives: [BranchTable.Directive] = []
            let isRemoved = table.remove(viewer(number), of: 1, into: &directives)
            obey(directives)
            return isRemoved
        }

        func detach(_ number: Int, from node: Int, as reason: BranchTable.Detachment) {
            held[node].removeAll { $0 == number }
            var directives: [BranchTable.Directive] = []
            table.detached(
                viewer(number), of: 1, at: nodes[node], as: reason, among: nodes, now: now, into: &directives)
            obey(directives)
        }

        /// A node dies, and is there again at once.
        func lose(_ node: Int) {
            held[node] = []
            var directives: [BranchTable.Directive] = []
            table.lost(1, at: nodes[node], among: nodes, now: now, into: &directives)
            obey(directives)
        }

        private func obey(_ directives: [BranchTable.Directive]) {
            for directive in directives {
                switch directive {
                case .answer(let call, let failure):
                    unanswered -= 1
                    #expect(answers.updateValue(failure, forKey: call) == nil)
                case .attach(let endpoint, _, let node): attach(Int(endpoint.port) - 1, endpoint, index(of: node))
                case .begin(_, let node):
                    begun.append(index(of: node))
                    #expect(isOpen.insert(index(of: node)).inserted)
                case .detach(let endpoint, _, let node):
                    held[index(of: node)].removeAll { $0 == Int(endpoint.port) - 1 }
                case .end(_, let node):
                    ended.append(index(of: node))
                    #expect(isOpen.remove(index(of: node)) != nil && held[index(of: node)].isEmpty)
                case .homeless(let endpoint, _): homeless.append(Int(endpoint.port) - 1)
                }
            }
        }

        private func attach(_ number: Int, _ endpoint: Endpoint, _ node: Int) {
            #expect(isOpen.contains(node))
            guard held[node].count < rooms[node] else { return detach(number, from: node, as: .full) }
            held[node].append(number)
            var directives: [BranchTable.Directive] = []
            if table.attached(endpoint, of: 1, at: nodes[node], into: &directives) { moved += 1 }
            obey(directives)
        }

        private func index(of node: NodeID) -> Int { nodes.firstIndex(of: node) ?? -1 }
    }
}
