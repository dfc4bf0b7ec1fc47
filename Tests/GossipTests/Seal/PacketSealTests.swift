// SPDX-License-Identifier: Apache-2.0

import Bytes
import Gossip
import Identity
import TestKit
import Testing

@Suite("A sealed packet")
struct PacketSealTests {
    @Test("has the bytes that another implementation gives it")
    func golden() throws {
        var seal = SealSample.sender()
        let plain = try vector("datagram-ping")
        #expect(seal.seal(plain[...]).hex == (try vector("sealed-packet-1")).hex)
    }

    @Test(
        "of another implementation is opened",
        arguments: [("sealed-packet-1", "datagram-ping"), ("sealed-packet-2", "datagram-members")])
    func opensVectors(name: String, plain: String) throws {
        var seal = SealSample.receiver()
        let opened = try seal.open(try vector(name)[...], now: .zero)
        #expect(opened.sender == Sample.node && opened.boot == SealSample.boot)
        #expect(opened.plain == (try vector(plain)))
    }

    @Test("may be empty, of the longest name and of the last life")
    func extremes() throws {
        var seal = SealSample.receiver()
        let opened = try seal.open(try vector("sealed-packet-empty")[...], now: .zero)
        #expect(opened.plain.isEmpty && opened.boot == .max)
        #expect(opened.sender.description == String(repeating: "a", count: 63))
    }

    @Test("is longer by what was foretold, and fills 1400 bytes")
    func size() throws {
        var sender = SealSample.sender()
        var receiver = SealSample.receiver()
        let overhead = GossipDatagram.overhead(sender: Sample.node)
        #expect(overhead == 1 + 43 + 6)
        let plain = [UInt8](repeating: 7, count: GossipDatagram.maximumSize - overhead + GossipDatagram.emptySize)
        let packet = sender.seal(plain[...])
        #expect(packet.count == GossipDatagram.maximumSize)
        #expect(try receiver.open(packet[...], now: .zero).plain == plain)
        #expect(failure(&receiver, packet + [0]) == .tooLong)
    }

    @Test("cut at every byte is refused, and nobody is remembered")
    func truncation() {
        var sender = SealSample.sender()
        var receiver = SealSample.receiver()
        let packet = sender.seal([1, 2, 3])
        for length in packet.indices {
            let failure = failure(&receiver, packet[..<length])
            #expect(failure == .tooShort || failure == .forged, "cut at \(length)")
        }
        #expect(receiver.rememberedSenders == 0)
    }

    @Test("with any one bit flipped is refused, and nobody is remembered")
    func bitFlips() {
        var sender = SealSample.sender()
        var receiver = SealSample.receiver()
        let packet = sender.seal([1, 2, 3])
        var failures: Set<SealFailure> = []
        for bit in 0..<packet.count * 8 {
            var flipped = packet
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let failure = failure(&receiver, flipped)
            #expect(failure != nil, "bit \(bit)")
            if let failure { failures.insert(failure) }
        }
        #expect(failures.isSuperset(of: [.forged, .notOurs, .version, .wrongCluster, .unknownKey]))
        #expect(receiver.rememberedSenders == 0)
    }

    @Test("of another cluster, pool or key is told apart")
    func strangers() {
        var receiver = SealSample.receiver()
        var cluster = SealSample.sender(cluster: "other")
        var pool = SealSample.sender(pool: "")
        var key = SealSample.sender(key: SealSample.otherKey)
        #expect(failure(&receiver, cluster.seal([])) == .wrongCluster)
        #expect(failure(&receiver, pool.seal([])) == .wrongCluster)
        #expect(failure(&receiver, key.seal([])) == .unknownKey)
    }

    @Test("is opened once, in any order within 1024")
    func replays() throws {
        var sender = SealSample.sender()
        var receiver = SealSample.receiver()
        var random = SeededRandom(seed: 11)
        let packets = (0..<1024).map { sender.seal([UInt8($0 & 255)]) }.shuffled(using: &random)
        for packet in packets { #expect(failure(&receiver, packet) == nil) }
        for packet in packets { #expect(failure(&receiver, packet) == .replayed) }
    }

    @Test("is opened as often as a list of all counters would have it", arguments: 0..<20 as Range<UInt64>)
    func window(seed: UInt64) {
        var sender = SealSample.sender()
        var receiver = SealSample.receiver()
        var random = SeededRandom(seed: seed)
        let packets = (0..<4000).map { _ in sender.seal([]) }
        var (seen, highest): (Set<Int>, Int) = ([], -1)
        var at = 0
        for _ in 0..<2000 {
            at = max(
                0, min(3999, at + .random(in: -1100...1110, using: &random) / .random(in: 1...400, using: &random)))
            let isNew = (at > highest || highest - at < 1024) && seen.insert(at).inserted
            #expect((failure(&receiver, packets[at]) == nil) == isNew, "seed \(seed), \(at) below \(highest)")
            highest = max(highest, at)
        }
    }

    @Test("of our own is refused when it comes back, and one of our name is not")
    func reflection() {
        var own = SealSample.sender()
        #expect(failure(&own, own.seal([])) == .replayed)
        var taken = SealSample.sender(boot: 5)
        #expect(failure(&own, taken.seal([])) == nil)
    }

    @Test("of an earlier life is refused, until the later one was silent for long")
    func lives() {
        var receiver = SealSample.receiver()
        var first = SealSample.sender(boot: 1)
        var second = SealSample.sender(boot: 2)
        #expect(failure(&receiver, first.seal([]), now: .seconds(1)) == nil)
        #expect(failure(&receiver, second.seal([]), now: .seconds(2)) == nil)
        #expect(failure(&receiver, first.seal([]), now: .seconds(31)) == .replayed)
        #expect(failure(&receiver, first.seal([]), now: .seconds(32)) == nil)
        #expect(receiver.rememberedSenders == 1)
    }

    @Test("of many senders is opened in bounded memory, the least recent forgotten")
    func boundedSenders() {
        var receiver = SealSample.receiver(maximumSenders: 4)
        var packets: [[UInt8]] = []
        for number in 0..<8 {
            var sender = SealSample.sender(known(NodeID(parsing: "n\(number)")))
            packets.append(sender.seal([]))
            #expect(failure(&receiver, packets[number], now: .seconds(number)) == nil)
        }
        #expect(receiver.rememberedSenders == 4)
        #expect(failure(&receiver, packets[7]) == .replayed)
        #expect(failure(&receiver, packets[0]) == nil)
    }

    @Test("never repeats a nonce while keys come and go")
    func rotation() throws {
        var sender = SealSample.sender()
        var receiver = SealSample.receiver()
        let before = sender.seal([1])
        let install = try sender.keyring.install(SealSample.otherKey, now: 10)
        let use = try sender.keyring.use(SealSample.otherKey.id, now: 11)
        let after = sender.seal([1])
        #expect(failure(&receiver, after) == .unknownKey)
        #expect(receiver.keyring.obey(install) == true)
        #expect(failure(&receiver, after) == nil)
        #expect(failure(&receiver, before) == nil)
        #expect(failure(&receiver, before) == .replayed)
        #expect(receiver.keyring.obey(use) == true)
        #expect(receiver.keyring.obey(try sender.keyring.remove(SealSample.key.id, now: 12)) == true)
        #expect(failure(&receiver, before) == .unknownKey)
    }
}
