// SPDX-License-Identifier: Apache-2.0

import Gossip
import TestKit
import Testing

@Suite("A keyring")
struct KeyringTests {
    @Test(
        "of all nodes is the same once all orders came, in any order and some twice",
        arguments: 0..<300 as Range<UInt64>)
    func convergence(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var operators = (0..<3).map { _ in Keyring(key(0)) }
        var orders: [KeyOrder] = []
        for time in 1...30 as ClosedRange<UInt64> {
            let at = Int.random(in: 0..<operators.count, using: &random)
            if let order = Self.order(&operators[at], time: time, using: &random) { orders.append(order) }
            if let heard = orders.randomElement(using: &random) { _ = operators[at].obey(heard) }
        }
        var rings: [Keyring] = []
        for _ in 0..<6 {
            var ring = Keyring(key(0))
            for order in (orders + orders.prefix(5)).shuffled(using: &random) { _ = ring.obey(order) }
            rings.append(ring)
        }
        for ring in rings {
            #expect(ring.inUse == rings[0].inUse, "seed \(seed)")
            #expect(ring.others == rings[0].others, "seed \(seed)")
            var late = Keyring(key(0))
            for order in ring.orders.shuffled(using: &random) { _ = late.obey(order) }
            #expect(late.inUse == ring.inUse && late.others == ring.others, "seed \(seed), by its orders")
            for order in orders { #expect(late.obey(order) == false || late.inUse == ring.inUse, "seed \(seed)") }
        }
    }

    private static func order(
        _ ring: inout Keyring, time: UInt64, using random: inout SeededRandom
    ) -> KeyOrder? {
        let id = key(.random(in: 0..<6, using: &random))
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return try? ring.install(id, now: time)
        case 1: return try? ring.use(id.id, now: time)
        default: return try? ring.remove(id.id, now: time)
        }
    }

    @Test("rotates: install, use, remove")
    func rotation() throws {
        var ring = Keyring(key(0))
        _ = try ring.install(key(1), now: 100)
        #expect(ring.inUse == key(0) && ring.others == [key(1)])
        _ = try ring.use(key(1).id, now: 100)
        #expect(ring.inUse == key(1) && ring.others == [key(0)])
        let removal = try ring.remove(key(0).id, now: 50)
        #expect(removal.time > 100 && removal.secret.isEmpty)
        #expect(ring.others.isEmpty && ring.key(key(0).id) == nil)
    }

    @Test("keeps the key in use, at most three others, and only what it knows")
    func refusals() throws {
        var ring = Keyring(key(0))
        #expect(throws: KeyringFailure.keyInUse) { try ring.remove(key(0).id, now: 1) }
        #expect(throws: KeyringFailure.unknownKey) { try ring.use(key(1).id, now: 1) }
        #expect(throws: KeyringFailure.unknownKey) { try ring.remove(key(1).id, now: 1) }
        for number in 1...3 as ClosedRange<UInt8> { _ = try ring.install(key(number), now: 1) }
        #expect(throws: KeyringFailure.full) { try ring.install(key(4), now: 1) }
        #expect(ring.obey(KeyOrder(time: 9, key: key(2).id, verb: .use, secret: key(1).bytes)) == false)
        #expect(ring.obey(KeyOrder(time: 9, key: key(0).id, verb: .remove, secret: [])) == true)
        #expect(ring.inUse == key(0))
        #expect(ring.obey(KeyOrder(time: 10, key: key(1).id, verb: .use, secret: key(1).bytes)) == true)
        #expect(ring.inUse == key(1) && ring.key(key(0).id) == nil)
    }

    @Test("stays small whatever it is told")
    func bounded() {
        var ring = Keyring(key(0))
        for number in 1...200 as ClosedRange<UInt8> {
            _ = ring.obey(
                KeyOrder(time: UInt64(number), key: key(number).id, verb: .install, secret: key(number).bytes))
        }
        #expect(ring.inUse == key(0) && ring.others == [key(200), key(199), key(198)])
        #expect(ring.orders.count <= 64)
    }
}

/// A key by number.
private func key(_ number: UInt8) -> ClusterKey { known(ClusterKey(bytes: Array(repeating: number, count: 32))) }
