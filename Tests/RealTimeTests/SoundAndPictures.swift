// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import NodeKit
import RTP
import TestKit

/// A publisher's pictures and Opus, as a browser packetizes them; each packet of sound bears its number.
final class SoundAndPictures {
    /// How many packets were sent, and how many of them are sound.
    private(set) var packetsSent = 0
    private(set) var soundSent = 0
    private var media = SyntheticMedia.seconds
    private var beginning: Duration = .zero
    private var ring = PacketRing(.video)
    private var packets = RTPFromMedia(wall: WallTime(milliseconds: 0), now: .zero)
    private var track: SendTrack
    private var batch = PayloadBatch()

    init() {
        media.sampleRate = nil
        media.sizes.video = 12_000
        media.rounding = .none
        let format = SendFormat(.h264, source: 77, payloadType: 96, repair: nil, extensions: ExtensionMap())
        track = SendTrack(format, firstSequence: 100, firstTimestamp: 1000)
        packets.begin([Track(id: .video, parameters: media.parameters(.video))])
    }

    /// What the newest packet of sound bears.
    var lastSound: [UInt8] { number(soundSent - 1) }

    /// Sends what comes next of both: a picture, and the sound up to the next one.
    func send(_ duration: Duration, by peer: SessionPeer) {
        media.start = beginning
        for event in media.events(for: duration) {
            for bytes in pictures(event) { put(bytes, peer) }
            while Duration.milliseconds(20 * soundSent) < beginning + event.time { sendSound(by: peer) }
        }
        beginning += duration
        peer.receive()
    }

    private func put(_ bytes: [UInt8], _ peer: SessionPeer) {
        peer.send(rtp: bytes)
        packetsSent += 1
    }

    private func sendSound(by peer: SessionPeer) {
        var bytes: [UInt8] = []
        RTPPacket(
            header: RTPHeader(
                payloadType: 111, sequenceNumber: UInt16(truncatingIfNeeded: soundSent),
                timestamp: UInt32(truncatingIfNeeded: soundSent * 960), source: 78),
            // 20 ms of stereo, RFC 6716 §3.1.
            payload: ([0x9C] + number(soundSent))[...]
        ).append(to: &bytes)
        put(bytes, peer)
        soundSent += 1
    }

    private func number(_ index: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: index))
        return bytes
    }

    private func pictures(_ event: SyntheticMedia.Event) -> [[UInt8]] {
        var (sent, transport) = ([[UInt8]](), UInt16(0))
        guard case .payloads(let time) = packets.packetize(event.unit, now: event.time, into: &batch) else { return [] }
        let range = ring.append(batch, timestamp: time, isRandomAccess: event.unit.isRandomAccess, now: event.time)
        for number in range {
            guard let packet = ring[number] else { continue }
            if track.layer == nil { track.begin(at: packet, of: 0) }
            var bytes: [UInt8] = []
            track.append(packet, of: ring, transport: &transport, now: event.time, to: &bytes)
            sent.append(bytes)
        }
        return sent
    }
}
