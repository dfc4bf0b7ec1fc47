// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Feed
import Identity
import Media
import Node
import NodeKit
import Origin
import RTP
import Replica
import TestKit
import Testing
import WebRTC

/// Runs `body` with a node to which three layers are published: `h`, `m` and `l`.
func publishing(
    _ body: (TestNode, SessionPeer, SimulcastMedia) async throws -> Void
) async throws {
    try await TestNode.run {
        $0.webrtc.randomAccessInterval = .milliseconds(500)
        $0.webrtc.consentTimeout = .seconds(60)
        $0.webrtc.connectTimeout = .seconds(60)
    } _: { node in
        let (peer, layers) = (SessionPeer(node), SimulcastMedia())
        let answer = try await peer.post(peer.simulcastOffer, to: "/live/demo/whip")
        #expect(answer.status == 201)
        #expect(peer.answer.media[0].simulcast.receive.map { $0.map(\.id) } == [["h"], ["m"], ["l"]])
        try await peer.handshake()
        try await eventually("all layers are there") {
            layers.send(.milliseconds(200), by: peer)
            try await Task.sleep(for: .milliseconds(50))
            return node.assembly.replicas[demo]?.parameters?.tracks.count == 3
        }
        try await body(node, peer, layers)
    }
}

/// Three layers of synthetic pictures as a browser packetizes them, each named in a header extension.
final class SimulcastMedia {
    /// Layers that are not sent.
    var absent: Set<String> = []
    private var beginning: Duration = .zero
    private var layers: [Layer] = []
    private var media = SyntheticMedia.seconds

    private struct Layer {
        let name: String
        let size: Int
        var ring = PacketRing(.video)
        var packets = RTPFromMedia(wall: WallTime(milliseconds: 0), now: .zero)
        var track: SendTrack
    }

    init() {
        media.sampleRate = nil
        media.rounding = .none
        for (index, (name, size)) in [("h", 6000), ("m", 2000), ("l", 500)].enumerated() {
            let parameters = Self.parameters(name)
            let format = SendFormat(
                .h264, source: UInt32(100 + index), payloadType: 96, repair: nil, extensions: ExtensionMap())
            var layer = Layer(
                name: name, size: size,
                track: SendTrack(format, firstSequence: UInt16(100 * index), firstTimestamp: UInt32(index) * 1000))
            layer.packets.begin([Track(id: .video, parameters: parameters)])
            layers.append(layer)
        }
    }

    /// Sends the next pictures of all layers, those of one moment together.
    func send(_ duration: Duration, by peer: SessionPeer) {
        media.start = beginning
        for event in media.events(for: duration) {
            for index in layers.indices where !absent.contains(layers[index].name) {
                for bytes in packets(event, of: index) { peer.send(rtp: Self.named(layers[index].name, bytes)) }
            }
        }
        beginning += duration
        peer.receive()
    }

    /// Which layer a packet that came to a viewer is of, by the letter that its payload is full of.
    func name(of packet: RTPPacket) -> String? {
        packet.payload.last.flatMap { byte in
            layers.first { $0.name.utf8.first == byte }?.name
        }
    }

    private func packets(_ event: SyntheticMedia.Event, of index: Int) -> [[UInt8]] {
        var unit = event.unit
        var payload: [UInt8] = []
        payload.append(bigEndian: UInt32(layers[index].size))
        payload.append(unit.isRandomAccess ? 0x65 : 0x41)
        payload += [UInt8](repeating: layers[index].name.utf8.first ?? 0, count: layers[index].size - 1)
        unit.payload = payload[...]
        var (batch, transport, sent) = (PayloadBatch(), UInt16(0), [[UInt8]]())
        guard case .payloads(let time) = layers[index].packets.packetize(unit, now: event.time, into: &batch) else {
            return []
        }
        let range = layers[index].ring.append(
            batch, timestamp: time, isRandomAccess: unit.isRandomAccess, now: event.time)
        for number in range {
            guard let packet = layers[index].ring[number] else { continue }
            if layers[index].track.layer == nil { layers[index].track.begin(at: packet, of: 0) }
            var bytes: [UInt8] = []
            layers[index].track.append(
                packet, of: layers[index].ring, transport: &transport, now: event.time, to: &bytes)
            sent.append(bytes)
        }
        return sent
    }

    /// H.264 Constrained Baseline of three sizes.
    private static func parameters(_ name: String) -> ParameterSets {
        let records = [
            "h": "0142e01fffe100096742e01fda014016e401000468ce3880",
            "m": "0142e01fffe1000a6742e01fda0280bfe54001000468ce3880",
            "l": "0142e01fffe100096742e01fda05067e7401000468ce3880",
        ]
        guard let bytes = records[name].flatMap({ [UInt8](hex: $0) }),
            let video = try? VideoParameters(avcC: bytes[...])
        else { preconditionFailure("parameter sets of ours") }
        return .video(video)
    }

    /// The packet with `mid` 0 and this `rid`, by the numbers of the offer.
    static func named(_ rid: String, _ packet: [UInt8]) -> [UInt8] {
        var bytes = packet
        bytes[0] |= 0x10
        let name = rid.utf8.first ?? 0
        bytes.insert(contentsOf: [0xBE, 0xDE, 0, 1, 0x40, UInt8(ascii: "0"), 0xA0, name], at: 12)
        return bytes
    }

    static func packet(source: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        RTPPacket(
            header: RTPHeader(marker: true, payloadType: 96, sequenceNumber: 1, timestamp: 1, source: source),
            extensions: .none, payload: [0x41, 1]
        ).append(to: &bytes)
        return bytes
    }
}
