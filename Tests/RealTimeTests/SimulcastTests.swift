// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Feed
import Identity
import Media
import Node
import NodeKit
import RTP
import Replica
import TestKit
import Testing
import WebRTC

@Suite("A publisher of simulcast")
struct SimulcastTests {
    @Test("has a rendition for each layer, and what nobody agreed on is counted")
    func renditions() async throws {
        try await publishing { node, peer, layers in
            let parameters = try #require(node.assembly.replicas[demo]?.parameters)
            #expect(parameters.tracks.map(\.id.number) == [1, 3, 4])
            #expect(parameters.tracks.map(\.rendition.description) == ["main", "m", "l"])
            #expect(parameters.leadingTrack?.rendition.description == "l")
            try await eventually("all can be played", within: .seconds(30)) {
                layers.send(.milliseconds(500), by: peer)
                try await Task.sleep(for: .milliseconds(50))
                return node.assembly.replicas[demo]?.variants.count == 3
            }
            let playlist = try await node.ask("/live/demo/index.m3u8").text
            for size in ["1280x720", "640x360", "320x180"] { #expect(playlist.contains("RESOLUTION=\(size)")) }
            #expect(node.metric("millrace_webrtc_publisher_layers") == 3)
            let before = node.metric("millrace_webrtc_datagrams_dropped_total", "unnegotiated")
            peer.send(rtp: SimulcastMedia.named("x", SimulcastMedia.packet(source: 999)))
            try await eventually("a layer without a name that was agreed on is passed over") {
                node.metric("millrace_webrtc_datagrams_dropped_total", "unnegotiated") == before + 1
            }
            #expect(try await peer.ask("DELETE").status == 200)
            try await eventually("its layers are gone") { node.metric("millrace_webrtc_publisher_layers") == 0 }
        }
    }

    @Test("that stops a layer keeps the stream, without a discontinuity, and the layer is taken out")
    func stops() async throws {
        try await publishing { node, peer, layers in
            layers.absent = ["h"]
            try await eventually("the largest layer is gone", within: .seconds(30)) {
                layers.send(.milliseconds(200), by: peer)
                try await Task.sleep(for: .milliseconds(100))
                return node.assembly.replicas[demo]?.parameters?.tracks.count == 2
            }
            let playlist = try await node.ask("/live/demo/l/media.m3u8").text
            #expect(playlist.contains("#EXTINF"))
            #expect(!playlist.contains("#EXT-X-DISCONTINUITY\n") && !playlist.contains("GAP"))
        }
    }

    @Test(
        "that is malformed is answered with what is wrong",
        arguments: [
            ("a=rid:h", "a=rid is malformed"), ("a=rid:h! send", "a=rid is malformed"),
            ("a=simulcast:send h;;l", "a=simulcast is malformed"), ("a=simulcast:later h", "a=simulcast is malformed"),
        ])
    func malformed(line: String, words: String) async throws {
        try await TestNode.run { node in
            let peer = SessionPeer(node)
            let body = peer.simulcastOffer.text + line + "\r\n"
            let type = ["Content-Type": "application/sdp"]
            let answer = try await node.ask("/live/demo/whip", method: "POST", fields: type, body: body)
            #expect(answer.status == 400)
            #expect(answer.text.contains(words))
        }
    }
}

@Suite("A viewer of layers")
struct LayerViewerTests {
    @Test("is sent the largest, the one it asks for, and then by what it reports, each from a random access point on")
    func switches() async throws {
        try await publishing { node, publisher, layers in
            let viewer = SessionPeer(node)
            var offer = viewer.offer()
            offer.media[0].formats[0].feedback.insert(.maximumBitrate)
            offer.media.removeLast()
            offer.bundle = ["0"]
            let answer = try await viewer.post(offer)
            #expect(answer.status == 201)
            #expect(answer.fields["link"]?.contains("urn:ietf:params:whep:ext:core:layer") == true)
            #expect(viewer.answer.media[0].formats[0].feedback.contains(.maximumBitrate))
            #expect(try await ask(viewer, "l").status == 409)
            try await viewer.handshake()
            try await watch(viewer, until: "h", publisher, layers)
            #expect(try await ask(viewer, "x").status == 404)
            #expect(try await viewer.ask("GET", at: "/layer").text.contains("\"encodingId\":\"l\""))
            #expect(try await ask(viewer, "l").status == 200)
            try await watch(viewer, until: "l", publisher, layers)
            #expect(node.metric("millrace_webrtc_layer_switches_total", "down") == 1)
            #expect(try await ask(viewer, nil).status == 200)
            try await watch(viewer, until: "h", publisher, layers)
            #expect(node.metric("millrace_webrtc_layer_switches_total", "up") >= 1)
            try await watch(viewer, until: "l", publisher, layers) {
                viewer.send(
                    rtcp: .receiverEstimate(
                        ReceiverEstimate(sender: 7, bitsPerSecond: 20_000, sources: [viewer.videoSource])))
            }
            check(viewer, layers)
        }
    }

    @Test("is sent any layer by another node, which lists them all as variants")
    func elsewhere() async throws {
        try await TestCluster.run(2) { number, settings in
            settings.roles = [[.origin, .edge], [.edge]][number]
            settings.webrtc.consentTimeout = .seconds(60)
            settings.webrtc.connectTimeout = .seconds(60)
        } _: { cluster in
            let (publisher, layers) = (SessionPeer(cluster[0]), SimulcastMedia())
            #expect(try await publisher.post(publisher.simulcastOffer, to: "/live/demo/whip").status == 201)
            try await publisher.handshake()
            try await eventually("all layers can be played", within: .seconds(30)) {
                layers.send(.milliseconds(200), by: publisher)
                try await Task.sleep(for: .milliseconds(50))
                return cluster[0].assembly.replicas[demo]?.variants.count == 3
            }
            try await eventually("the edge has them all") {
                cluster.keepHouse()
                let text = try await cluster[1].ask("/live/demo/index.m3u8").text
                return ["main", "m", "l"].allSatisfy { text.contains("\n\($0)/media.m3u8") }
            }
            try await eventually("it writes the same of each") {
                var areSame = true
                for name in ["main", "m", "l"] {
                    let ours = try await cluster[0].ask("/live/demo/\(name)/media.m3u8").text
                    let theirs = try await cluster[1].ask("/live/demo/\(name)/media.m3u8").text
                    areSame = areSame && ours == theirs && ours.contains("#EXTINF")
                }
                return areSame
            }
            let viewer = SessionPeer(cluster[1])
            try await viewer.connect()
            try await watch(viewer, until: "h", publisher, layers)
            #expect(try await ask(viewer, "l").status == 200)
            try await watch(viewer, until: "l", publisher, layers)
        }
    }

    private func ask(_ viewer: SessionPeer, _ layer: String?) async throws -> HTTPAnswer {
        let encoding = layer.map { ",\"encodingId\":\"\($0 == "h" ? "main" : $0)\"" } ?? ""
        return try await viewer.ask(
            "POST", at: "/layer", fields: ["Content-Type": "application/json"], body: "{\"mediaId\":\"0\"\(encoding)}")
    }

    /// Publishes on until the newest picture that came is of this layer.
    private func watch(
        _ viewer: SessionPeer, until layer: String, _ publisher: SessionPeer, _ layers: SimulcastMedia,
        doing work: () -> Void = {}
    ) async throws {
        try await eventually("the viewer is sent layer \(layer)", within: .seconds(30)) {
            layers.send(.milliseconds(200), by: publisher)
            try await Task.sleep(for: .milliseconds(100))
            work()
            viewer.receive()
            return viewer.packets.last { $0.header.payloadType == 96 }.flatMap { layers.name(of: $0) } == layer
        }
    }

    /// Numbers and times only go forward, without a hole, and each layer begins with a random access point.
    private func check(_ viewer: SessionPeer, _ layers: SimulcastMedia) {
        let packets = viewer.packets.filter { $0.header.payloadType == 96 }
        let numbers = packets.map(\.header.sequenceNumber)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
        let times = packets.map(\.header.timestamp)
        #expect(zip(times, times.dropFirst()).allSatisfy { Int32(bitPattern: $1 &- $0) >= 0 })
        var (layer, switches) = (String?.none, 0)
        var first: RTPPacket?
        for packet in packets {
            let begin = first ?? packet
            first = packet.header.marker ? nil : begin
            guard packet.header.marker, let name = layers.name(of: packet) else { continue }
            if name != layer {
                #expect(RTPCodec.h264.beginsRandomAccess(begin.payload), "\(begin.header.sequenceNumber) \(name)")
                switches += 1
            }
            layer = name
        }
        #expect(switches >= 4)
    }
}

/// Runs `body` with a node to which three layers are published: `h`, `m` and `l`.
private func publishing(
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
        try await eventually("all layers are there", within: .seconds(30)) {
            layers.send(.milliseconds(200), by: peer)
            try await Task.sleep(for: .milliseconds(50))
            return node.assembly.replicas[demo]?.parameters?.tracks.count == 3
        }
        try await body(node, peer, layers)
    }
}

/// Three layers of synthetic pictures as a browser packetizes them, each named in a header extension.
private final class SimulcastMedia {
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
