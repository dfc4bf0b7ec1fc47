// SPDX-License-Identifier: Apache-2.0

import Foundation
import Media
import Node
import NodeKit
import RTMP
import Telemetry
import TestKit
import Testing

@Suite("Every metric family")
struct MetricsTests {
    @Test("moves in the course of one node's life")
    func moves() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "node-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try makeCertificate(in: folder)
        let node = try await TestNode.start {
            $0.http.tls.certificate = folder.appending(path: "certificate.pem").path
            $0.http.tls.key = folder.appending(path: "key.pem").path
            $0.http.idleTimeout = .seconds(2)
            $0.node.capacity = 1
            $0.rtmp.maximumConnections = 30
            $0.access.viewerApps = ["vip"]
            $0.play.maximumLag = .milliseconds(500)
        }
        do {
            try await live(node)
            try replaceCertificate(in: folder, of: node)
            let unmoved = node.assembly.metrics.registry.unmoved.map(\.name)
            let alone = unmoved.filter { name in !Self.ofOthers.contains { name.hasPrefix("millrace_\($0)_") } }
            #expect(alone == ["millrace_rtmp_reconnect_requests_total"])
        } catch {
            await node.stop()
            throw error
        }
        await node.stop()
        #expect(node.metric("millrace_rtmp_reconnect_requests_total") == 1)
    }

    /// Families that `ClusterNodeTests`, `LeaseNodeTests`, `TakeoverTests`, `RelayFrontTests` and `TermTests` move, those of
    /// plain RTP, which `FanoutDeskTests` and `test_rtp.py` do, those of WebRTC, which the tests of RealTime do, those of
    /// the CDN, which `OffloadTests` and `SteeringNodeTests` move, those of the object store, which `RecordingNodeTests`,
    /// `UploaderTests` and `RemoteStoreTests` do, those of viewers who go back, which `RewindNodeTests` moves, and those of
    /// traces, which `test_tracing.py` moves.
    private static let ofOthers = [
        "cdn", "cluster", "datagram", "datagrams", "dvr", "gossip", "grpc", "recorders", "recording", "recordings",
        "redis",
        "relay",
        "router", "rtp", "segment", "stale_terms", "steering", "store", "terms", "trace", "upload", "webrtc",
    ]

    /// All that can happen to a node, well and ill.
    private func live(_ node: TestNode) async throws {
        node.running.keepHouse()
        var media = SyntheticMedia.seconds
        media.sizes.video = 40_000
        let publisher = try await node.publisher()
        try await publisher.publish(.milliseconds(3050), of: media)
        try await watch(node)
        try await loseGroups(node, publisher, media)
        var tomorrow = media
        tomorrow.start = .seconds(86_400)
        try await publisher.send(tomorrow.events(for: .seconds(2)), of: tomorrow)
        try await eventually("the jump is mended") {
            node.running.keepHouse()
            return node.metric("millrace_feed_mendings_total") > 0
        }
        try await refuseViewers(node)
        try await refusePublishers(node)
        try await refuseConnections(node)
        _ = try await node.playlist()
        node.running.keepHouse()
    }

    private func watch(_ node: TestNode) async throws {
        try await eventually("three seconds are there") { try await node.playlist().segments.count == 3 }
        let playlist = try await node.playlist()
        let waits = node.waits
        _ = try await node.ask(try #require(playlist.segments.first))
        _ = try await node.ask("/api/ping")
        let waiting = try await node.open(try #require(playlist.hint))
        try await eventually("it waits") { node.waits > waits }
        await waiting.vanish()
        try await eventually("it is missed") { node.metric("millrace_http_cancelled_total") == 1 }
    }

    private func loseGroups(_ node: TestNode, _ publisher: RTMPPeer, _ media: SyntheticMedia) async throws {
        let player = try await node.player()
        try await eventually("it plays") { player.story.isRunning }
        try await player.read(false)
        try await publisher.send(from: .milliseconds(3050), to: .seconds(30), of: media)
        try await eventually("all is taken") { node.metric("millrace_ingest_messages_total", "\"video\"") >= 901 }
        try await player.read(true)
        try await publisher.send(from: .seconds(30), to: .seconds(31), of: media)
        try await eventually("it is at the end") { player.story.media.last?.timestamp ?? 0 > 30_900 }
        await player.vanish()
        try await eventually("it is counted") { node.metric("millrace_play_groups_skipped_total") > 0 }
    }

    private func refuseViewers(_ node: TestNode) async throws {
        #expect(try await node.ask("/vip/show/index.m3u8").status == 401)
        #expect(try await node.ask("/live/../index.m3u8").status == 400)
        let twoHosts = "GET /live/demo/index.m3u8 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
        let bad = try await HTTPPeer.open(node.httpPort, sending: twoHosts, isSecured: true)
        let silent = try await HTTPPeer.open(node.httpPort, sending: "", isSecured: true)
        let plain = try await HTTPPeer.open(node.httpPort, sending: "GET / HTTP/1.1\r\n\r\n")
        try await eventually("all are closed") { bad.isClosed && silent.isClosed && plain.isClosed }
    }

    private func refusePublishers(_ node: TestNode) async throws {
        let other = try await RTMPPeer.connect(node.rtmpPort, .publish, name: "demo", from: "127.0.0.2")
        try await eventually("it is refused") { other.story.refusal != nil }
        let speex = try await node.publisher("speex")
        try await speex.send(
            [0, 10_001].map { MediaTag(kind: .audio, timestamp: $0, header: [0xB2], payload: [1]) })
        try await eventually("it is cut") { speex.story.isClosed }
    }

    private func refuseConnections(_ node: TestNode) async throws {
        var idle: [HTTPPeer] = []
        for _ in 0..<40 { idle.append(try await HTTPPeer.open(node.rtmpPort, sending: "")) }
        try await eventually("some are refused") { node.metric("millrace_connections_refused_total") > 0 }
        for peer in idle { await peer.vanish() }
        try await eventually("they are gone") { node.metric("millrace_connections", "\"rtmp\"") < 5 }
    }

    /// Breaks the certificate, which is told once, and then puts a new one in its place.
    private func replaceCertificate(in folder: URL, of node: TestNode) throws {
        let watch = try #require(node.assembly.certificate)
        try Data("nonsense".utf8).write(to: folder.appending(path: "certificate.pem"))
        for _ in 0..<3 { watch.reload() }
        #expect(node.log.text.split(separator: "\n").filter { $0.contains("can not be used") }.count == 1)
        #expect(node.metric("millrace_certificate_reloads_total") == 0)
        try makeCertificate(in: folder)
        for _ in 0..<3 { watch.reload() }
        #expect(node.metric("millrace_certificate_reloads_total") == 1)
    }

    private func makeCertificate(in folder: URL) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.currentDirectoryURL = folder
        process.standardError = FileHandle.nullDevice
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "key.pem", "-out", "certificate.pem", "-subj", "/CN=localhost", "-days", "1",
        ]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
