// SPDX-License-Identifier: Apache-2.0

import Bytes
import TestKit
import Testing
import WebRTC

@Suite("Packets over TCP")
struct FramedPacketTests {
    @Test("come back whole, however the bytes come", arguments: 1...100 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let packets = (0..<20).map { _ in
            (0..<Int.random(in: 1...1500, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        var bytes: [UInt8] = []
        for packet in packets {
            FramedPacketEncoder.append(packet, to: &bytes)
            if Bool.random(using: &random) { FramedPacketEncoder.append([], to: &bytes) }
        }
        var (decoder, read, rest) = (FramedPacketDecoder(), [[UInt8]](), bytes[...])
        while !rest.isEmpty {
            let count = Int.random(in: 1...2000, using: &random)
            decoder.append(rest.prefix(count))
            rest = rest.dropFirst(count)
            while let packet = try decoder.next() { read.append(Array(packet)) }
        }
        #expect(read == packets, "seed \(seed)")
    }

    @Test("wait for their last byte")
    func truncation() throws {
        var bytes: [UInt8] = []
        FramedPacketEncoder.append(Array(STUNVectors.request), to: &bytes)
        for count in 0..<bytes.count {
            var decoder = FramedPacketDecoder()
            decoder.append(bytes.prefix(count))
            #expect(try decoder.next() == nil, "\(count) bytes")
        }
    }

    @Test("are refused when they are longer than packets are")
    func tooLong() {
        var decoder = FramedPacketDecoder(maximumLength: 1500)
        decoder.append([0x05, 0xDD])
        #expect(throws: FramedPacketDecoder.TooLong(length: 1501)) { try decoder.next() }
    }
}
