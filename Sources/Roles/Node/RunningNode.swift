// SPDX-License-Identifier: Apache-2.0

import Edge
import Glibc
import Logging
import NIOCore
import NIOPosix
import Origin
import PlainRTP
import RealTime
package import ServiceLifecycle
import Telemetry
import Transport
import WebServer

/// A node that listens, until it is told to stop.
package struct RunningNode: Service {
    package let assembly: NodeAssembly
    private let listeners: Listeners

    /// Opens all ports and says where.
    package static func start(_ assembly: NodeAssembly) async throws -> RunningNode {
        let listeners = try await assembly.listen()
        assembly.logger.info(
            "listening",
            metadata: [
                "http": "\(listeners.http.address.shown)", "rtmp": "\(listeners.rtmp.address.shown)",
                "webrtc": "\(listeners.realTime.map { "\($0.local)" } ?? "off")",
            ])
        return RunningNode(assembly: assembly, listeners: listeners)
    }

    /// The port that publishers connect to.
    package var rtmpPort: Int { listeners.rtmp.address.port ?? 0 }

    /// The port that media, page and API are asked for at.
    package var httpPort: Int { listeners.http.address.port ?? 0 }

    /// The port that plain RTP is sent to; nil where none is taken.
    package var rtpPort: UInt16? { listeners.plainRTP?.desk.port }

    /// The port of gRPC; nil where there is none.
    package var grpcPort: Int? { listeners.plainRTP?.control.port }

    /// The UDP port of WebRTC; nil where it is switched off.
    package var webRTCPort: Int? { listeners.realTime?.port }

    /// The TCP port of WebRTC; nil where there is none.
    package var webRTCStreamPort: Int? { listeners.realTime?.streamPort }

    package func run() async throws {
        let housekeeping = assembly.group.any().scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) {
            _ in
            keepHouse()
            listeners.plainRTP?.tick()
            if assembly.hasDrained { kill(getpid(), SIGTERM) }
        }
        let reloading = Task { await assembly.certificate?.keepFresh() }
        defer { reloading.cancel() }
        try await gracefulShutdown()
        housekeeping.cancel()
        await stop()
    }

    /// Publishers are told, streams that no other node can go on with end with ENDLIST, viewers get it, connections close.
    /// A second call does nothing.
    package func stop() async {
        guard assembly.beginStopping() else { return }
        assembly.logger.info("stopping")
        assembly.cluster?.inviteAll()
        assembly.streams.close()
        await listeners.realTime?.stop()
        assembly.delivery?.stop()
        async let recordings: Void? = assembly.recording?.stop(within: assembly.settings.shutdown.timeout * 3 / 5)
        async let cluster: Void? = assembly.cluster?.stop()
        let grace = assembly.settings.shutdown.timeout
        async let rtmp: Void = listeners.rtmp.stop(within: grace / 2)
        async let rtmps: Void? = listeners.rtmps?.stop(within: grace / 2)
        await listeners.http.stop(within: grace * 4 / 5)
        async let relay: Void? = listeners.cluster?.relay.stop(within: grace / 10)
        async let agent: Void? = listeners.agent?.stop(within: .zero)
        async let plainRTP: Void? = listeners.plainRTP?.stop(within: grace / 5)
        _ = await (rtmp, rtmps, relay, agent, cluster, plainRTP, recordings)
        await assembly.tracing?.stop(within: grace / 10)
        try? await assembly.group.shutdownGracefully()
        assembly.storms.flush(now: SystemClock.now() + .seconds(1))
        assembly.logger.info("stopped")
    }

    /// What is done once a second, on an event loop: nothing that waits for a disk.
    package func keepHouse() {
        assembly.edge.sweep()
        assembly.streams.watch()
        listeners.realTime?.sweep()
        assembly.measure()
        assembly.storms.flush(now: SystemClock.now())
        let report = assembly.loadReport()
        assembly.cluster?.tick(report)
        assembly.deliver(report)
    }

    /// Waits for the signal.
    private func gracefulShutdown() async throws {
        try await ServiceLifecycle.gracefulShutdown()
    }
}
