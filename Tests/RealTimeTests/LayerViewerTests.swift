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
            try await eventually("all layers can be played") {
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
            publisher.receive()
            let asked = publisher.losses
            try await eventually("that its decoder can not go on comes to the publisher") {
                viewer.send(rtcp: .pictureLoss(sender: 7, media: viewer.videoSource))
                layers.send(.milliseconds(100), by: publisher)
                try await Task.sleep(for: .milliseconds(50))
                return publisher.losses > asked
            }
            #expect(cluster[1].metric("millrace_relay_random_access_requests_total") > 0)
            #expect(cluster[0].metric("millrace_relay_random_access_requests_total") == 0)
        }
    }

    @Test("who came before there were layers reports on what it is sent once there are")
    func early() async throws {
        try await TestNode.run {
            $0.webrtc.consentTimeout = .seconds(60)
            $0.webrtc.connectTimeout = .seconds(60)
        } _: { node in
            let (publisher, layers) = (SessionPeer(node), SimulcastMedia())
            #expect(try await publisher.post(publisher.simulcastOffer, to: "/live/demo/whip").status == 201)
            try await publisher.handshake()
            layers.absent = ["h", "m"]
            try await eventually("the smallest is there") {
                layers.send(.milliseconds(200), by: publisher)
                try await Task.sleep(for: .milliseconds(50))
                return node.assembly.replicas[demo]?.parameters?.tracks.count == 1
            }
            let viewer = SessionPeer(node)
            var offer = viewer.offer()
            offer.media[0].formats[0].feedback.insert(.transportCC)
            offer.media[0].extensions = [HeaderExtension(id: 3, kind: .transportSequenceNumber)]
            #expect(try await viewer.post(offer).status == 201)
            try await viewer.handshake()
            try await watch(viewer, until: "l", publisher, layers)
            var map = ExtensionMap()
            map.transportSequence = 3
            func numbers() -> [UInt16] {
                viewer.packets.compactMap { ExtensionValues($0.extensions, map).transportSequence }
            }
            #expect(numbers().isEmpty)
            layers.absent = []
            try await eventually("its packets are numbered") {
                layers.send(.milliseconds(200), by: publisher)
                try await Task.sleep(for: .milliseconds(100))
                viewer.receive()
                return numbers().count > 10
            }
            #expect(zip(numbers(), numbers().dropFirst()).allSatisfy { $1 == $0 &+ 1 })
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
        try await eventually("the viewer is sent layer \(layer)") {
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
