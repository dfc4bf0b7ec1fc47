// SPDX-License-Identifier: Apache-2.0

package import Access
import Edge
package import Identity
import Logging
package import Media
import NIOCore
import NIOPosix
package import Node
import Origin
import RTMP
import Replica
import Telemetry
import TestKit
import Transport

/// A whole node in this process, on ports of its own, with segments of a second.
package struct TestNode: Sendable {
    /// The node.
    package let running: RunningNode
    /// What it logged.
    package let log: CollectedLog

    /// The secret of every node that is not told another.
    package static let secret = "0123456789abcdef0123456789abcdef"

    /// Runs `body` with a node, and stops it.
    package static func run<Result>(
        _ change: (inout NodeSettings) -> Void = { _ in }, _ body: (TestNode) async throws -> Result
    ) async throws -> Result {
        let node = try await start(change)
        do {
            let result = try await body(node)
            await node.running.stop()
            return result
        } catch {
            await node.running.stop()
            throw error
        }
    }

    /// Starts a node, to be stopped by who asks.
    package static func start(_ change: (inout NodeSettings) -> Void = { _ in }) async throws -> TestNode {
        ProcessLimits.prepare()
        var settings = NodeSettings()
        settings.http.host = "127.0.0.1"
        settings.http.port = 0
        settings.rtmp.host = "127.0.0.1"
        settings.rtmp.port = 0
        settings.rtmp.tlsPort = 0
        settings.rtp.port = 0
        settings.grpc.port = 0
        settings.webrtc.host = "127.0.0.1"
        settings.webrtc.port = 0
        settings.webrtc.offersPerAddress = 100_000
        // What is sent here as AAC is none, and no test starts programs that it does not ask for.
        settings.webrtc.transcoder = nil
        settings.limits.connectionsPerAddress = 100_000
        // A busy machine is not to look like a silent peer.
        settings.rtmp.handshakeTimeout = .seconds(60)
        settings.rtmp.idleTimeout = .seconds(120)
        settings.publisher.randomAccessTimeout = .seconds(120)
        settings.hls.segment = .seconds(1)
        settings.hls.part = .milliseconds(200)
        settings.access.secret = SecretText(secret)
        settings.shutdown.timeout = .seconds(1)
        change(&settings)
        let log = CollectedLog()
        let logger = Logger(label: "test") { _ in log }
        return TestNode(running: try await RunningNode.start(NodeAssembly(settings, logger: logger)), log: log)
    }

    /// The port for RTMP.
    package var rtmpPort: Int { running.rtmpPort }

    /// The port for HTTP.
    package var httpPort: Int { running.httpPort }

    /// The UDP port for WebRTC.
    package var webRTCPort: Int { running.webRTCPort ?? 0 }

    /// The TCP port for WebRTC.
    package var webRTCStreamPort: Int { running.webRTCStreamPort ?? 0 }

    /// Whether it has a certificate.
    private var isSecured: Bool { assembly.settings.http.tls.certificate != nil }

    /// Stops it.
    package func stop() async { await running.stop() }

    /// Ends it as a process ends that is killed: all its connections close, and nobody is told why.
    package func crash() async {
        guard assembly.beginStopping() else { return }
        try? await assembly.group.shutdownGracefully()
    }

    /// The node's parts.
    package var assembly: NodeAssembly { running.assembly }

    /// Publishes to `live/name`, or another app's name; returns when the node said yes.
    package func publisher(_ name: String = "demo", app: String = "live") async throws -> RTMPPeer {
        let peer = try await RTMPPeer.connect(running.rtmpPort, .publish, app: app, name: name)
        try await eventually("the publisher is let in: \(peer.story)") { peer.story.isRunning }
        return peer
    }

    /// Plays `live/name`, or another app's name, over RTMP; `story` tells how it goes.
    package func player(_ name: String = "demo", app: String = "live") async throws -> RTMPPeer {
        try await RTMPPeer.connect(rtmpPort, .play, app: app, name: name)
    }

    /// Begins a request and keeps what comes.
    package func open(_ target: String) async throws -> HTTPPeer {
        try await HTTPPeer.open(
            httpPort, sending: HTTPPeer.request("GET", target, port: httpPort), isSecured: isSecured)
    }

    /// Asks over HTTP on a connection of its own.
    package func ask(
        _ target: String, method: String = "GET", fields: [String: String] = [:], body: String? = nil,
        from host: String = "127.0.0.1"
    ) async throws -> HTTPAnswer {
        try await HTTPPeer.ask(
            httpPort, method, target, fields: fields, body: body, from: host,
            isSecured: isSecured)
    }

    /// The sum of a metric's series whose labels contain `label`.
    package func metric(_ name: String, _ label: String = "") -> Int {
        let text = String(decoding: assembly.metrics.registry.text(), as: UTF8.self)
        return text.split(separator: "\n")
            .filter { ($0.hasPrefix(name + " ") || $0.hasPrefix(name + "{")) && $0.contains(label) }
            .reduce(0) { $0 + Int(Double($1.split(separator: " ").last ?? "0") ?? 0) }
    }

    /// How many requests for media have had to wait so far.
    package var waits: Int { metric("millrace_hls_decisions_total", "\"wait\"") }

    /// The policy with which the node's tokens are made.
    package var policy: AccessPolicy { assembly.policy }

    /// A control token of a role.
    package func controlToken(_ role: ControlRole, life: Duration = .seconds(60)) -> String {
        var random = SystemRandomNumberGenerator()
        return ControlToken(role: role, until: later(life), by: policy.secret, using: &random).text
    }

    /// A publish token.
    package func publishToken(_ stream: StreamID, life: Duration = .seconds(60)) -> String {
        var random = SystemRandomNumberGenerator()
        return PublishToken(for: stream, until: later(life), by: policy.secret, using: &random).text
    }

    /// A viewer's token, with its `~`.
    package func viewerToken(_ stream: StreamID, session: UInt64 = 7, life: Duration = .seconds(60)) -> String {
        ViewerToken(for: stream, session: ViewerID(number: session), until: later(life), by: policy.secret).text
    }

    private func later(_ life: Duration) -> WallTime { SystemClock.wall().advanced(by: life) }
}
