// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP
import TestKit
import Testing

@Suite("A packet ring")
struct PacketRingTests {
    private static func settings(packets: Int = 64, bytes: Int = 65_536) -> PacketRingSettings {
        PacketRingSettings(packets: packets, initial: .bytes(1024), longest: .bytes(bytes))
    }

    private func payload(_ ring: PacketRing, _ sequence: Int64) -> [UInt8]? {
        guard let packet = ring[sequence] else { return nil }
        var bytes: [UInt8] = []
        ring.appendPayload(of: packet, to: &bytes)
        return bytes
    }

    @Test("holds the newest packets, and no more memory than allowed", arguments: 0..<30 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let packets = 1 << Int.random(in: 3...9, using: &random)
        var ring = PacketRing(Self.settings(packets: packets))
        var sent: [Int64: [UInt8]] = [:]
        for _ in 0..<2000 {
            if Int.random(in: 0..<20, using: &random) == 0 { ring.skip(.random(in: 1...5, using: &random)) }
            let bytes = noise(.random(in: 1...1500, using: &random), using: &random)
            let sequence = ring.append(bytes[...], timestamp: 0, marker: true, beginsRandomAccess: false, now: .zero)
            sent[sequence] = bytes
            #expect(payload(ring, sequence) == bytes, "seed \(seed)")
        }
        #expect(ring.memory.bytes <= 65_536, "seed \(seed)")
        let held = sent.keys.filter { ring.sequences.contains($0) }.sorted()
        #expect(held.count <= packets)
        #expect(held.count == packets || held.reduce(0) { $0 + (sent[$1]?.count ?? 0) } > 60_000, "seed \(seed)")
        for sequence in held { #expect(payload(ring, sequence) == sent[sequence], "seed \(seed), \(sequence)") }
        for sequence in ring.sequences where sent[sequence] == nil { #expect(ring[sequence] == nil) }
        #expect(ring[ring.sequences.lowerBound - 1] == nil)
        #expect(ring[ring.sequences.upperBound] == nil)
    }

    @Test("knows where a new viewer begins, while that is held")
    func randomAccess() {
        var ring = PacketRing(Self.settings(packets: 8))
        #expect(ring.randomAccess == nil)
        var batch = PayloadBatch()
        let packetizer = AV1Packetizer(settings: PacketizerSettings(longestPayload: 64))
        #expect(
            packetizer.packetize(
                AV1PayloadTests.unit([(6, [UInt8](repeating: 1, count: 150), false)])[...], isRandomAccess: true,
                into: &batch))
        #expect(batch.count == 3)
        #expect(ring.append(batch, timestamp: 10, isRandomAccess: true, now: .zero) == 0..<3)
        #expect(ring.append(batch, timestamp: 20, isRandomAccess: false, now: .zero) == 3..<6)
        #expect(ring.randomAccess == 0)
        #expect((0..<6).map { ring[$0]?.marker } == [false, false, true, false, false, true])
        #expect((0..<6).map { ring[$0]?.beginsRandomAccess } == [true, false, false, false, false, false])
        #expect(ring[4]?.timestamp == 20)
        ring.append(batch, timestamp: 30, isRandomAccess: false, now: .zero)
        #expect(ring.randomAccess == nil)
        ring.append(batch, timestamp: 40, isRandomAccess: true, now: .zero)
        #expect(ring.randomAccess == 9)
    }

    @Test("takes no memory for a packet once it has grown")
    func memory() {
        var ring = PacketRing(.video)
        let bytes = [UInt8](repeating: 7, count: 1180)
        for _ in 0..<6000 { ring.append(bytes[...], timestamp: 0, marker: true, beginsRandomAccess: false, now: .zero) }
        #expect(ring.memory == .mebibytes(4))
        #expect(ring.sequences.count == 2048)
        for _ in 0..<6000 { ring.append(bytes[...], timestamp: 0, marker: true, beginsRandomAccess: false, now: .zero) }
        #expect(ring.memory == .mebibytes(4))
        #expect(ring.sequences.count == 2048)
    }
}
