// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Media
import NodeKit
import RTP
import TestKit
import Testing

extension SessionPeer {
    /// Sends synthetic pictures as a browser packetizes them, all at once.
    func publish(_ duration: Duration) throws {
        var media = SyntheticMedia.seconds
        media.sampleRate = nil
        media.sizes.video = 3000
        let format = SendFormat(.h264, source: 77, payloadType: 96, repair: nil, extensions: ExtensionMap())
        var track = SendTrack(format, firstSequence: 100, firstTimestamp: 1000)
        var ring = PacketRing(.video)
        var packets = RTPFromMedia(wall: WallTime(milliseconds: 0), now: .zero)
        packets.begin([Track(id: .video, parameters: media.parameters(.video))])
        var (batch, transport) = (PayloadBatch(), UInt16(0))
        for event in media.events(for: duration) {
            var unit = event.unit
            unit.decodeTime = unit.decodeTime.converted(to: .video)
            guard case .payloads(let timestamp) = packets.packetize(unit, now: event.time, into: &batch) else {
                continue
            }
            let range = ring.append(batch, timestamp: timestamp, isRandomAccess: unit.isRandomAccess, now: event.time)
            for number in range {
                let packet = try #require(ring[number])
                if track.layer == nil { track.begin(at: packet, of: 0) }
                var bytes: [UInt8] = []
                track.append(packet, of: ring, transport: &transport, now: event.time, to: &bytes)
                send(rtp: bytes)
            }
            receive()
        }
    }
}
