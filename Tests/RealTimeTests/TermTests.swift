// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media
import Node
import NodeKit
import RTP
import Replica
import TestKit
import Testing

@Suite("What a WHEP viewer is sent over changes of terms")
struct TermTests {
    @Test(
        "has numbers that go on by one, and times that only go forward, under the same keys",
        arguments: [-1_000_000, 0, 100_000, 10_000_000_000] as [Int64])
    func goesForward(ticks: Int64) async throws {
        try await TestNode.run {
            $0.webrtc.threads = 1
            $0.webrtc.consentTimeout = .seconds(60)
        } _: { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(2050), of: .seconds)
            try await eventually("the stream is there") { node.assembly.replicas[demo]?.parameters != nil }
            let replica = try #require(node.assembly.replicas[demo])
            let peer = SessionPeer(node)
            try await peer.connect()
            try await eventually("pictures come") {
                peer.receive()
                return !peer.packets.isEmpty
            }
            for _ in 0..<4 {
                let before = peer.packets.count
                succeed(replica, at: ticks)
                try await eventually("pictures of the new term come") {
                    peer.receive()
                    return peer.packets.count { $0.header.marker } > 8 && peer.packets.count >= before + 10
                }
            }
            check(peer.packets.map(\.header))
        }
    }

    /// Another gateway goes on in a higher term, with ten pictures from `ticks` on.
    private func succeed(_ replica: StreamReplica, at ticks: Int64) {
        let term = Term(number: replica.term.number + 1, salt: 1)
        guard let summary = replica.succeed(in: term, firstSegment: 0) else { return }
        let start = SegmentStart(
            msn: summary.nextSegment, firstDecodeTimes: [TrackTime(track: .video, ticks: ticks)],
            firstFragmentNumber: 1, programDateTime: WallTime(milliseconds: 0), discontinuitySequence: 0,
            isDiscontinuity: false, parameters: replica.parameters?.number ?? 0, targetDuration: nil, partTarget: nil)
        let units = (0..<10 as Range<Int64>).map { index in
            FeedRecord.accessUnit(
                AccessUnit(
                    track: .video, decodeTime: MediaTime(ticks: ticks + index * 3000, timescale: .video),
                    isRandomAccess: index == 0,
                    payload: [0, 0, 0, 5, index == 0 ? 0x65 : 0x41, 0x88, 1, 2, UInt8(index)]))
        }
        replica.append([.segmentStart(start)] + units, committed: nil)
    }

    private func check(_ headers: [RTPHeader]) {
        #expect(Set(headers.map(\.source)).count == 1)
        let numbers = headers.map(\.sequenceNumber)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
        let steps = zip(headers, headers.dropFirst()).map { Int32(bitPattern: $1.timestamp &- $0.timestamp) }
        #expect(steps.allSatisfy { $0 >= 0 && $0 < 90_000 * 60 }, "\(steps)")
    }
}
